package dev.weft.kernels.backend.vector;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Times of two ways of doing the same, taken in turns. A core is now and then a quarter slower for
 * some milliseconds, away, or comes back with its caches full of other things: how the ways compare
 * is told by pairs of calls that had the same moment, and only by undisturbed ones.
 */
final class PairedTimes {
  /** Windows without a clearly better pair after which there will be none. */
  static final int STEADY_WINDOWS = 8;

  private static final double BETTER = 0.95;

  /** Pairs up to this many times as long as the best one were not disturbed. */
  private static final double UNDISTURBED = 1.1;

  private final List<Pair> pairs = new ArrayList<>();
  private long best = Long.MAX_VALUE;
  private long bestThatCounted = Long.MAX_VALUE;
  private int windows;

  /**
   * Two calls after each other.
   *
   * @param first nanoseconds of the first way
   * @param second nanoseconds of the second way
   */
  record Pair(long first, long second) {
    private long sum() {
      return first + second;
    }

    private double ratio() {
      return (double) first / second;
    }
  }

  /** Adds two calls after each other. */
  void add(Pair pair) {
    pairs.add(pair);
    best = Math.min(best, pair.sum());
  }

  /** Ends a stretch of time with pairs: code is compiled while it runs, some of it late. */
  void endWindow() {
    if (best < BETTER * bestThatCounted) {
      bestThatCounted = best;
      windows = 0;
    } else {
      windows++;
    }
  }

  /** Whether the last windows made nothing clearly better. */
  boolean steady() {
    return windows >= STEADY_WINDOWS;
  }

  /** The undisturbed pair with the median of their ratios, of one window or more. */
  Pair median() {
    List<Pair> undisturbed =
        pairs.stream()
            .filter(pair -> pair.sum() <= UNDISTURBED * best)
            .sorted(Comparator.comparingDouble(Pair::ratio))
            .toList();
    return undisturbed.get(undisturbed.size() / 2);
  }
}
