package dev.weft.batching.schedule;

import dev.weft.batching.kv.PagePool;
import java.util.Arrays;

/**
 * Most KV pages that will be in use at one time to come, if all running sequences and a candidate
 * generate as many tokens as estimated. They grow together, and each gives back at its end what is
 * its own; so the use peaks just before one of the ends.
 */
final class PeakEstimate {
  private final PagePool pool;

  /** Per sequence: tokens until its end in the high 32 bits, pages it gives back in the low. */
  private final long[] ends;

  PeakEstimate(PagePool pool, int maxRunning) {
    this.pool = pool;
    ends = new long[maxRunning + 1];
  }

  long pages(Sequence[] running, int count, Sequence candidate, int candidatePages) {
    for (int i = 0; i < count; i++) {
      ends[i] = end(running[i], running[i].pages);
    }
    ends[count] = end(candidate, candidatePages);
    int n = count + 1;
    Arrays.sort(ends, 0, n);
    long now = (long) pool.usedPages() + candidatePages - candidate.pages;
    long peak = now;
    long given = 0;
    for (int i = 0; i < n; i++) {
      long growth = pool.pagesFor(ends[i] >>> 32);
      peak = Math.max(peak, now + (n - i) * growth - given);
      given += (int) ends[i];
    }
    return peak;
  }

  private static long end(Sequence sequence, int pages) {
    int remaining = sequence.expectedRemainingTokens(sequence.queue.lengthFactor());
    return (long) remaining << 32 | (pages - sequence.attachedPages);
  }
}
