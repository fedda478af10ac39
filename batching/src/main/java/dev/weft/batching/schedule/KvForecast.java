package dev.weft.batching.schedule;

import dev.weft.batching.kv.PagePool;
import java.util.Arrays;

/**
 * How many KV pages are expected to be in use at any time to come. Running sequences grow together,
 * and each gives back at its end what is its own; so the use peaks just before one of the ends. A
 * sequence of uncertain length ends in equal parts at up to {@link #PARTS} times, the means of
 * equal parts of the lengths that it may still have. {@link #update} takes the running sequences
 * once; then any number of candidates is asked for, each in the time of a binary search.
 *
 * <p>Room is left for requests that will be admitted later ({@link WaitingDemand}). Without it all
 * memory that is free now goes to requests that start together, grow together and end together: the
 * pool is full at their end and half empty otherwise.
 */
final class KvForecast {
  /** Ends of a sequence at most. */
  static final int PARTS = 4;

  /** One sequence; divisible by all numbers of parts. */
  private static final int WHOLE = 12;

  private final PagePool pool;

  /**
   * Per end of a running sequence: tokens until then in the high 32 bits, pages of its own in the
   * next 28, and in the low 4 bits the part of the sequence that ends, in {@link #WHOLE}ths.
   */
  private final long[] ends;

  /** Remaining tokens at the ends of one sequence. */
  private final int[] parts = new int[PARTS];

  /** Pages in use just before each end. */
  private final long[] used;

  /** Most pages in use up to each end if one more sequence grows beside the others. */
  private final long[] peaks;

  /** By end: how much of the sequences is still there, in {@link #WHOLE}ths. */
  private final long[] alive;

  private int count;
  private WaitingDemand arrivals;
  private double lengthFactor;

  KvForecast(PagePool pool, int maxRunning) {
    this.pool = pool;
    int most = Math.multiplyExact(maxRunning, PARTS);
    ends = new long[most];
    used = new long[most];
    peaks = new long[most];
    alive = new long[most];
  }

  /**
   * Takes the sequences that run now.
   *
   * @param waiting what will be admitted later; null leaves no room for it
   * @param waitingLengthFactor by which outputs of the waiting turn out shorter than estimated
   */
  void update(RunningSet running, WaitingDemand waiting, double waitingLengthFactor) {
    count = 0;
    arrivals = waiting;
    lengthFactor = waitingLengthFactor;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      long own = sequence.pages - sequence.attachedPages;
      int n = sequence.remainingParts(sequence.queue.lengthFactor(), parts);
      for (int p = 0; p < n; p++) {
        ends[count++] = (long) parts[p] << 32 | own << 4 | WHOLE / n;
      }
    }
    Arrays.sort(ends, 0, count);
    long left = (long) WHOLE * running.size();
    long given = 0;
    long peak = 0;
    for (int i = 0; i < count; i++) {
      int end = (int) (ends[i] >>> 32);
      long growth = pool.pagesFor(end);
      alive[i] = left;
      used[i] = pool.usedPages() + (left * growth - given) / WHOLE;
      peak = Math.max(peak, used[i] + growth + arriving(end));
      peaks[i] = peak;
      long part = ends[i] & 0xF;
      left -= part;
      given += part * (((int) ends[i]) >>> 4);
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
      others = used[ended] - alive[ended] * (later - growth) / WHOLE;
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

  /** Number of ends within that many tokens. */
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
