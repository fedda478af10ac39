package dev.weft.batching.schedule;

import java.util.Arrays;

/** The waiting sequences of a run by expected output, longest first, equal ones as planned. */
final class LongestFirst {
  private final Sequence[] sorted;
  private int next;

  LongestFirst(Sequence[] run) {
    long[] keys = new long[run.length];
    for (int i = 0; i < run.length; i++) {
      keys[i] = (long) -run[i].plannedOutputTokens << 32 | i;
    }
    Arrays.sort(keys);
    sorted = new Sequence[run.length];
    for (int i = 0; i < run.length; i++) {
      sorted[i] = run[(int) keys[i]];
    }
  }

  /** The first that still waits, or null. */
  Sequence head() {
    while (next < sorted.length && !sorted[next].queued) {
      sorted[next++] = null;
    }
    return next < sorted.length ? sorted[next] : null;
  }
}
