package dev.weft.batching.schedule;

import dev.weft.batching.kv.PagePool;
import java.util.Arrays;

/**
 * How many KV pages will be in use at any time to come, if sequences generate as many tokens as
 * estimated. Running sequences grow together, and each gives back at its end what is its own; so
 * the use peaks just before one of the ends. {@link #update} takes the running sequences once; then
 * any number of candidates is asked for, each in the time of a binary search.
 *
 * <p>Room is left for requests that will be admitted later ({@link WaitingDemand}). Without it all
 * memory that is free now goes to requests that start together, grow together and end together: the
 * pool is full at their end and half empty otherwise.
 */
final class KvForecast {
  private final PagePool pool;

  /**
   * Per running sequence: tokens until its end in the high 32 bits, pages it gives back in the low.
   */
  private final long[] ends;

  /** Pages in use just before each end. */
  private final long[] used;

  /** Most pages in use up to each end if one more sequence grows beside the others. */
  private final long[] peaks;

  private int count;
  private WaitingDemand arrivals;
  private double lengthFactor;

  KvForecast(PagePool pool, int maxRunning) {
    this.pool = pool;
    ends = new long[maxRunning];
    used = new long[maxRunning];
    peaks = new long[maxRunning];
  }

  /**
   * Takes the sequences that run now.
   *
   * @param waiting what will be admitted later; null leaves no room for it
   * @param waitingLengthFactor by which outputs of the waiting turn out shorter than estimated
   */
  void update(
      Sequence[] running, int runningCount, WaitingDemand waiting, double waitingLengthFactor) {
    count = runningCount;
    arrivals = waiting;
    lengthFactor = waitingLengthFactor;
    for (int i = 0; i < count; i++) {
      Sequence sequence = running[i];
      int remaining = sequence.expectedRemainingTokens(sequence.queue.lengthFactor());
      ends[i] = (long) remaining << 32 | (sequence.pages - sequence.attachedPages);
    }
    Arrays.sort(ends, 0, count);
    long given = 0;
    long peak = 0;
    for (int i = 0; i < count; i++) {
      int end = (int) (ends[i] >>> 32);
      long growth = pool.pagesFor(end);
      used[i] = pool.usedPages() + (count - i) * growth - given;
      peak = Math.max(peak, used[i] + growth + arriving(end));
      peaks[i] = peak;
      given += (int) ends[i];
    }
  }

  /**
   * Most pages in use at one time until a candidate ends.
   *
   * @param newPages pages it takes at once
   */
  long peakPages(Sequence candidate, int newPages) {
    int remaining = candidate.expectedRemainingTokens(candidate.queue.lengthFactor());
    int ended = endedBefore(remaining);
    long growth = pool.pagesFor(remaining);
    long others = 0;
    if (ended < count) {
      // Those that outlive the candidate have grown as much as it has when it ends.
      long later = pool.pagesFor(ends[ended] >>> 32);
      others = used[ended] - (count - ended) * (later - growth);
    }
    long before = ended == 0 ? pool.usedPages() : peaks[ended - 1];
    return newPages + Math.max(before, others + growth + arriving(remaining));
  }

  private long arriving(int steps) {
    if (arrivals == null) {
      return 0;
    }
    double poolTokens = (double) pool.pages() * pool.pageTokens();
    return pool.pagesFor((long) arrivals.arrivingTokens(steps, poolTokens, lengthFactor));
  }

  /** Number of running sequences that end within that many tokens. */
  private int endedBefore(int remaining) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (ends[middle] >>> 32 <= remaining) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
