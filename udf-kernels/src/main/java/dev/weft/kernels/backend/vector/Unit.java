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
 * <p>Outputs are a worker's own {@code [row][ROWS]} until a unit is done. In the matrix of outputs
 * they would lie beside those of another worker's unit, in the same lines of the cache.
 *
 * <p>The last unit of a matrix may have fewer groups than others. Its missing vectors are zero.
 */
final class Unit {
  /** Vectors of a unit. */
  static final int GROUPS = 4;

  /** Output rows of a unit. */
  static final int ROWS = GROUPS * COUNT;

  /** Bytes of one decoded column. */
  static final int STEP_BYTES = GROUPS * BYTES;

  /** Input rows that {@link #addFourRows} takes at once. */
  static final int QUAD = 4;

  private Unit() {}

  /** Stores the vectors of a unit. */
  static void store(
      FloatVector a0, FloatVector a1, FloatVector a2, FloatVector a3, float[] out, int at) {
    a0.intoArray(out, at);
    a1.intoArray(out, at + COUNT);
    a2.intoArray(out, at + 2 * COUNT);
    a3.intoArray(out, at + 3 * COUNT);
  }

  /**
   * Adds the products of all vectors with one input row.
   *
   * @param w address of the weights
   * @param x input row from {@code xAt} on, {@code k} elements
   * @param out the unit's outputs of the row, from {@code at} on
   */
  static void addRow(long w, int k, float[] x, int xAt, float[] out, int at) {
    FloatVector a0 = FloatVector.fromArray(F, out, at);
    FloatVector a1 = FloatVector.fromArray(F, out, at + COUNT);
    FloatVector a2 = FloatVector.fromArray(F, out, at + 2 * COUNT);
    FloatVector a3 = FloatVector.fromArray(F, out, at + 3 * COUNT);
    for (int i = 0; i < k; i++) {
      long step = w + (long) i * STEP_BYTES;
      FloatVector b = FloatVector.broadcast(F, x[xAt + i]);
      a0 = FloatVector.fromMemorySegment(F, MEMORY, step, ORDER).fma(b, a0);
      a1 = FloatVector.fromMemorySegment(F, MEMORY, step + BYTES, ORDER).fma(b, a1);
      a2 = FloatVector.fromMemorySegment(F, MEMORY, step + 2 * BYTES, ORDER).fma(b, a2);
      a3 = FloatVector.fromMemorySegment(F, MEMORY, step + 3 * BYTES, ORDER).fma(b, a3);
    }
    store(a0, a1, a2, a3, out, at);
  }

  /**
   * Adds the products of two vectors with four input rows.
   *
   * @param w address of the first vector of the first step
   * @param x the rows' elements {@code [k][QUAD]} from {@code xAt} on
   * @param out the unit's outputs {@code [row][ROWS]}, those of the first vector and row from
   *     {@code at} on
   */
  static void addFourRows(long w, int k, float[] x, int xAt, float[] out, int at) {
    int o1 = at + ROWS;
    int o2 = at + 2 * ROWS;
    int o3 = at + 3 * ROWS;
    FloatVector a0 = FloatVector.fromArray(F, out, at);
    FloatVector a1 = FloatVector.fromArray(F, out, o1);
    FloatVector a2 = FloatVector.fromArray(F, out, o2);
    FloatVector a3 = FloatVector.fromArray(F, out, o3);
    FloatVector b0 = FloatVector.fromArray(F, out, at + COUNT);
    FloatVector b1 = FloatVector.fromArray(F, out, o1 + COUNT);
    FloatVector b2 = FloatVector.fromArray(F, out, o2 + COUNT);
    FloatVector b3 = FloatVector.fromArray(F, out, o3 + COUNT);
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
    a0.intoArray(out, at);
    a1.intoArray(out, o1);
    a2.intoArray(out, o2);
    a3.intoArray(out, o3);
    b0.intoArray(out, at + COUNT);
    b1.intoArray(out, o1 + COUNT);
    b2.intoArray(out, o2 + COUNT);
    b3.intoArray(out, o3 + COUNT);
  }
}
