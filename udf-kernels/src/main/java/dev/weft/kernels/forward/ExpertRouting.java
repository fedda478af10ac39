package dev.weft.kernels.forward;

import dev.weft.kernels.backend.Activations;
import java.util.Arrays;

/**
 * Which tokens of a step go through which experts: those of the highest router logits, of equal
 * ones the first; weighted by the softmax of the chosen logits (Mixtral, arXiv 2401.04088). The
 * choice for a token depends on its own logits only. Reused between steps; not thread-safe.
 */
final class ExpertRouting {
  private final int experts;
  private final int used;
  private final float[] logits;
  private final boolean[] taken;
  private final int[] chosen;
  private final int[] counts;
  private int[][] tokens;
  private float[][] weights;

  ExpertRouting(int experts, int used) {
    this.experts = experts;
    this.used = used;
    logits = new float[experts];
    taken = new boolean[experts];
    chosen = new int[used];
    counts = new int[experts];
    tokens = new int[experts][16];
    weights = new float[experts][16];
  }

  /**
   * Chooses for each row.
   *
   * @param router logits, shape {@code [rows][experts]}
   */
  void choose(Activations router, int rows) {
    Arrays.fill(counts, 0);
    if (tokens[0].length < rows) {
      tokens = new int[experts][rows];
      weights = new float[experts][rows];
    }
    for (int row = 0; row < rows; row++) {
      router.read(row, logits, 0, experts);
      choose(row);
    }
  }

  private void choose(int row) {
    Arrays.fill(taken, false);
    for (int i = 0; i < used; i++) {
      int best = -1;
      for (int e = 0; e < experts; e++) {
        if (!taken[e] && (best < 0 || logits[e] > logits[best])) {
          best = e;
        }
      }
      taken[best] = true;
      chosen[i] = best;
    }
    double sum = 0;
    for (int e : chosen) {
      sum += StrictMath.exp((double) logits[e] - logits[chosen[0]]);
    }
    for (int e : chosen) {
      tokens[e][counts[e]] = row;
      weights[e][counts[e]++] =
          (float) (StrictMath.exp((double) logits[e] - logits[chosen[0]]) / sum);
    }
  }

  /** Tokens that go through an expert. */
  int count(int expert) {
    return counts[expert];
  }

  /** Their rows, ascending; {@link #count} elements count. */
  int[] tokens(int expert) {
    return tokens[expert];
  }

  /** Their weights. */
  float[] weights(int expert) {
    return weights[expert];
  }
}
