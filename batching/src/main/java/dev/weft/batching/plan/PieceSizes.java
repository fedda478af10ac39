package dev.weft.batching.plan;

import java.util.Arrays;

/**
 * How large the pieces of a plan are: equal, or, where more are wanted than run at once, a large
 * one for each slot and the rest in rounds of a piece for each slot, each round half as large as
 * the one before. Pieces start in this order, each on the slot that is free first, so whatever a
 * slot is slower than predicted is made up for by the later pieces (factoring, Hummel, Schonberg
 * and Flynn 1992, after guided self-scheduling, Polychronopoulos and Kuck 1987).
 */
public final class PieceSizes {
  /** Part of the work that is in the large pieces. A slot may be slower by a sixth. */
  private static final double MAIN = 0.85;

  private PieceSizes() {}

  /**
   * Sizes of pieces in the order in which they start, relative to the first.
   *
   * @param pieces at least 1
   * @param slots pieces that run at the same time
   */
  public static double[] of(int pieces, int slots) {
    double[] sizes = new double[pieces];
    Arrays.fill(sizes, 1);
    if (pieces <= slots) {
      return sizes;
    }
    double rest = 0;
    for (int i = slots; i < pieces; i++) {
      sizes[i] = Math.pow(0.5, i / slots);
      rest += sizes[i];
    }
    double scale = Math.min(2, slots * (1 / MAIN - 1) / rest);
    for (int i = slots; i < pieces; i++) {
      sizes[i] *= scale;
    }
    return sizes;
  }

  /**
   * When each slot ends if pieces start in order, each on the slot that is free first.
   *
   * @param seconds time of each piece
   * @return seconds, by slot
   */
  public static double[] finishSeconds(double[] seconds, int slots) {
    double[] ends = new double[Math.max(1, Math.min(slots, seconds.length))];
    for (double each : seconds) {
      int first = 0;
      for (int i = 1; i < ends.length; i++) {
        if (ends[i] < ends[first]) {
          first = i;
        }
      }
      ends[first] += each;
    }
    return ends;
  }

  /** Last over mean end of the slots, minus 1; 0 if nothing takes time. */
  public static double imbalance(double[] finishSeconds) {
    double mean = Arrays.stream(finishSeconds).average().orElse(0);
    return mean == 0 ? 0 : Arrays.stream(finishSeconds).max().orElse(0) / mean - 1;
  }
}
