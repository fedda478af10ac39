package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import jdk.incubator.vector.FloatVector;

/**
 * The two inner loops that decoded weights run through. A unit is {@value #GROUPS} vectors of
 * outputs side by side, decoded to f32 {@code [k][GROUPS][lanes]}; {@code out += sum over i < k of
 * w[i] x[i]}. Every lane is one chain in the order of {@code i}; a chain may be cut anywhere and
 * continued, so tiling changes no bit.
 *
 * <p>All that a step reads lies at constant distances from one running address, which leaves the
 * core to the multiply-adds.
 *
 * <p>The last unit of a matrix may have fewer groups than others. Its missing vectors are computed
 * from zeros and stored where the first one goes, before it.
 */
final class Unit {
  /** Vectors of a unit. */
  static final int GROUPS = 4;

  /** Output rows of a unit. */
  static final int ROWS = GROUPS * COUNT;

  /** Bytes of one decoded column. */
  static final int STEP_BYTES = GROUPS * BYTES;

  /** Input rows that {@link #fourRows} takes at once. */
  static final int QUAD = 4;

  private Unit() {}

  /** Where a vector of a unit goes that has {@code groups} and begins at {@code at}. */
  static int place(int at, int group, int groups) {
    return group < groups ? at + group * COUNT : at;
  }

  /** Stores the vectors of a unit, the first one last. */
  static void store(
      FloatVector a0,
      FloatVector a1,
      FloatVector a2,
      FloatVector a3,
      float[] out,
      int at,
      int groups) {
    a3.intoArray(out, place(at, 3, groups));
    a2.intoArray(out, place(at, 2, groups));
    a1.intoArray(out, place(at, 1, groups));
    a0.intoArray(out, at);
  }

  /**
   * All vectors, one input row.
   *
   * @param w address of the weights
   * @param x input row from {@code xAt} on, {@code k} elements
   * @param out output row, the unit's from {@code at} on
   * @param fresh whether the chains begin here, at zero, or continue what {@code out} holds
   */
  static void oneRow(
      long w, int k, float[] x, int xAt, float[] out, int at, int groups, boolean fresh) {
    int o1 = place(at, 1, groups);
    int o2 = place(at, 2, groups);
    int o3 = place(at, 3, groups);
    FloatVector a0 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, at);
    FloatVector a1 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o1);
    FloatVector a2 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o2);
    FloatVector a3 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o3);
    for (int i = 0; i < k; i++) {
      long step = w + (long) i * STEP_BYTES;
      FloatVector b = FloatVector.broadcast(F, x[xAt + i]);
      a0 = FloatVector.fromMemorySegment(F, MEMORY, step, ORDER).fma(b, a0);
      a1 = FloatVector.fromMemorySegment(F, MEMORY, step + BYTES, ORDER).fma(b, a1);
      a2 = FloatVector.fromMemorySegment(F, MEMORY, step + 2 * BYTES, ORDER).fma(b, a2);
      a3 = FloatVector.fromMemorySegment(F, MEMORY, step + 3 * BYTES, ORDER).fma(b, a3);
    }
    store(a0, a1, a2, a3, out, at, groups);
  }

  /**
   * Two vectors, four input rows.
   *
   * @param w address of the first vector of the first step
   * @param x the rows' elements {@code [k][QUAD]} from {@code xAt} on
   * @param out outputs of the first vector and row {@code r} at {@code or}, of the second {@code
   *     second} elements further; rows that are not wanted may repeat wanted ones
   * @param second 0 if there is no second vector
   * @param fresh whether the chains begin here, at zero, or continue what {@code out} holds
   */
  static void fourRows(
      long w,
      int k,
      float[] x,
      int xAt,
      float[] out,
      int o0,
      int o1,
      int o2,
      int o3,
      int second,
      boolean fresh) {
    FloatVector a0 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o0);
    FloatVector a1 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o1);
    FloatVector a2 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o2);
    FloatVector a3 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o3);
    FloatVector b0 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o0 + second);
    FloatVector b1 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o1 + second);
    FloatVector b2 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o2 + second);
    FloatVector b3 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o3 + second);
    for (int i = 0; i < k; i++) {
      long step = w + (long) i * STEP_BYTES;
      int four = xAt + i * QUAD;
      FloatVector a = FloatVector.fromMemorySegment(F, MEMORY, step, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(F, MEMORY, step + BYTES, ORDER);
      FloatVector v = FloatVector.broadcast(F, x[four]);
      a0 = a.fma(v, a0);
      b0 = b.fma(v, b0);
      v = FloatVector.broadcast(F, x[four + 1]);
      a1 = a.fma(v, a1);
      b1 = b.fma(v, b1);
      v = FloatVector.broadcast(F, x[four + 2]);
      a2 = a.fma(v, a2);
      b2 = b.fma(v, b2);
      v = FloatVector.broadcast(F, x[four + 3]);
      a3 = a.fma(v, a3);
      b3 = b.fma(v, b3);
    }
    b0.intoArray(out, o0 + second);
    b1.intoArray(out, o1 + second);
    b2.intoArray(out, o2 + second);
    b3.intoArray(out, o3 + second);
    a0.intoArray(out, o0);
    a1.intoArray(out, o1);
    a2.intoArray(out, o2);
    a3.intoArray(out, o3);
  }
}
