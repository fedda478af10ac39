package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code that finds the most likely tokens of rows of logits, in the order of {@code
 * TopTokens}, in two stages: of slices of a row, one work group for each, and of what those found,
 * one work group for a row. Both take one token after the other: each thread offers the best of its
 * own that is left, and the best of all goes.
 *
 * <p>Tokens are kept as pairs of logit and place: the larger logit goes first, then the smaller
 * place. The place of a number is its token. NaN becomes infinity with the place {@code token -
 * 2^24}, which is before all numbers; what is not there is -infinity with the place 2^24, after all
 * tokens. Places stand in the arena as floats, which hold them exactly.
 *
 * <p>Comparisons are multiplied: TornadoVM's generator loses a negation in conditions of the kind
 * {@code a || b && c} whose value is kept.
 */
final class TopKernels {
  /** Threads of a work group, and most slices of a row. */
  static final int GROUP = 128;

  /** Tokens that places can tell apart. */
  static final int MOST_TOKENS = 1 << 24;

  /** A row has fewer slices of at least that many tokens rather than more. */
  private static final int LEAST_SLICE = 1024;

  private TopKernels() {}

  /** Tokens of a slice, for a row of that many. */
  static int slice(int tokens) {
    return Math.max(LEAST_SLICE, (tokens + GROUP - 1) / GROUP);
  }

  /** The best of a slice; the x-th work group has the x-th slice of the y-th row. */
  static void topOfSlice(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    float infinity = vectors.get(step.get(p + 10));
    float[] logits = c.allocateFloatLocalArray(128);
    int[] places = c.allocateIntLocalArray(128);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 7) {
      int row = item / groupsX;
      int slice = item - row * groupsX;
      int asked = step.get(p + 9) + 2 * row;
      int count = step.get(asked + 1);
      int x = step.get(p + 1) + step.get(asked) * step.get(p + 2);
      int begin = slice * step.get(p + 6);
      int end = Math.min(step.get(p + 5), begin + step.get(p + 6));
      int most = step.get(p + 8);
      int out = step.get(p + 4) + (row * step.get(p + 7) + slice) * 2 * most;
      // What this thread gave last: what comes after it is left.
      float goneLogit = infinity;
      int gonePlace = -16777217;
      float bestLogit = -infinity;
      int bestPlace = 16777216;
      int search = 1;
      for (int rank = 0; rank < count; rank++) {
        bestLogit = search > 0 ? -infinity : bestLogit;
        bestPlace = search > 0 ? 16777216 : bestPlace;
        int from = search > 0 ? begin + thread : end;
        for (int i = from; i < end; i += 128) {
          float value = arena.get(x + i);
          float logit = value != value ? infinity : value;
          int place = value != value ? i - 16777216 : i;
          int less = logit < goneLogit ? 1 : 0;
          int level = logit == goneLogit ? 1 : 0;
          int later = place > gonePlace ? 1 : 0;
          int more = logit > bestLogit ? 1 : 0;
          int same = logit == bestLogit ? 1 : 0;
          int before = place < bestPlace ? 1 : 0;
          if ((less + level * later) * (more + same * before) > 0) {
            bestLogit = logit;
            bestPlace = place;
          }
        }
        logits[thread] = bestLogit;
        places[thread] = bestPlace;
        c.localBarrier();
        for (int s = 64; s > 0; s >>= 1) {
          if (thread < s) {
            float logit = logits[thread + s];
            int place = places[thread + s];
            if (logit > logits[thread] || (logit == logits[thread] && place < places[thread])) {
              logits[thread] = logit;
              places[thread] = place;
            }
          }
          c.localBarrier();
        }
        int wonPlace = places[0];
        if (thread == 0) {
          arena.set(out + rank, logits[0]);
          arena.set(out + most + rank, wonPlace);
        }
        search = bestPlace == wonPlace ? 1 : 0;
        goneLogit = search > 0 ? bestLogit : goneLogit;
        gonePlace = search > 0 ? bestPlace : gonePlace;
        c.localBarrier();
      }
    }
  }

  /**
   * The best of a row from those of its slices, of which each thread has one; with the logits as
   * they are in the row.
   */
  static void topOfRow(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    float infinity = vectors.get(step.get(p + 10));
    float[] logits = c.allocateFloatLocalArray(128);
    int[] places = c.allocateIntLocalArray(128);
    int items = step.get(p + Kernel.GROUPS_X) * step.get(p + Kernel.GROUPS_Y);
    for (int row = c.groupIdx; row < items; row += c.globalGroupSizeX >> 7) {
      int asked = step.get(p + 9) + 2 * row;
      int count = step.get(asked + 1);
      int x = step.get(p + 1) + step.get(asked) * step.get(p + 2);
      int slices = step.get(p + 7);
      int most = step.get(p + 8);
      int out = step.get(p + 3) + row * 2 * most;
      int found = step.get(p + 4) + (row * slices + Math.min(thread, slices - 1)) * 2 * most;
      int next = thread < slices ? 0 : count;
      for (int rank = 0; rank < count; rank++) {
        int at = found + Math.min(next, count - 1);
        float bestLogit = next < count ? arena.get(at) : -infinity;
        int bestPlace = next < count ? (int) arena.get(at + most) : 16777216;
        logits[thread] = bestLogit;
        places[thread] = bestPlace;
        c.localBarrier();
        for (int s = 64; s > 0; s >>= 1) {
          if (thread < s) {
            float logit = logits[thread + s];
            int place = places[thread + s];
            if (logit > logits[thread] || (logit == logits[thread] && place < places[thread])) {
              logits[thread] = logit;
              places[thread] = place;
            }
          }
          c.localBarrier();
        }
        int wonPlace = places[0];
        next = bestPlace == wonPlace ? next + 1 : next;
        if (thread == 0) {
          int token = wonPlace < 0 ? wonPlace + 16777216 : wonPlace;
          arena.set(out + rank, arena.get(x + token));
          arena.set(out + most + rank, token);
        }
        c.localBarrier();
      }
    }
  }
}
