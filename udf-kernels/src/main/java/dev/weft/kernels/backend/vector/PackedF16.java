package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * f16 in two vectors a column: the 32-bit lanes of the first hold groups 0 (low half) and 1 (high
 * half), those of the second groups 2 and 3.
 *
 * <p>Decoding puts exponent and fraction of the f16 in the places of an f32's and multiplies by
 * 2^112, the difference of the biases, which is exact for normal and denormal values. Infinities
 * and NaN would come out as large numbers, so a matrix that has them is not held in this format.
 */
record PackedF16() implements DecodedFormat {
  /** Bytes of a column. */
  static final int COLUMN_BYTES = 2 * BYTES;

  private static final int EXPONENT = 0x7c00;

  /** Sign, and the 15 other bits from bit 13 on. */
  static final int PLACES = 0x8fffe000;

  private static final float BIAS = 0x1p112f;

  @Override
  public long bytes(int columns) {
    return (long) columns * COLUMN_BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    boolean finite = true;
    for (int i = 0; i < columns; i++) {
      short half = src.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + (long) i * Short.BYTES);
      finite &= (half & EXPONENT) != EXPONENT;
      putHalf(dst, at, i, row, half);
    }
    return finite;
  }

  static void putHalf(MemorySegment dst, long at, int column, int row, short half) {
    int group = row / COUNT;
    long lane = (long) row % COUNT * Integer.BYTES;
    long pair = at + (long) column * COLUMN_BYTES + (long) (group / 2) * BYTES + lane;
    dst.set(ValueLayout.JAVA_SHORT, pair + group % 2 * Short.BYTES, half);
  }

  private static FloatVector low(IntVector pair) {
    return number(pair.lanewise(VectorOperators.LSHL, 16));
  }

  /** The number whose f16 is in the upper half of each lane. */
  private static FloatVector number(IntVector pair) {
    IntVector places = pair.lanewise(VectorOperators.ASHR, 3).and(PLACES);
    return places.reinterpretAsFloats().mul(BIAS);
  }

  @Override
  public void decode(long read, int count, long write) {
    for (int i = 0; i < count; i++) {
      long at = read + (long) i * COLUMN_BYTES;
      long step = write + (long) i * Unit.STEP_BYTES;
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, at, ORDER);
      IntVector next = IntVector.fromMemorySegment(I, MEMORY, at + BYTES, ORDER);
      low(pair).intoMemorySegment(MEMORY, step, ORDER);
      number(pair).intoMemorySegment(MEMORY, step + BYTES, ORDER);
      low(next).intoMemorySegment(MEMORY, step + 2 * BYTES, ORDER);
      number(next).intoMemorySegment(MEMORY, step + 3 * BYTES, ORDER);
    }
  }

  @Override
  public boolean multipliesRows() {
    return true;
  }

  @Override
  public void addRow(long read, int count, float[] x, int xAt, float[] out, int at) {
    FloatVector a0 = FloatVector.fromArray(F, out, at);
    FloatVector a1 = FloatVector.fromArray(F, out, at + COUNT);
    FloatVector a2 = FloatVector.fromArray(F, out, at + 2 * COUNT);
    FloatVector a3 = FloatVector.fromArray(F, out, at + 3 * COUNT);
    for (int i = 0; i < count; i++) {
      long column = read + (long) i * COLUMN_BYTES;
      FloatVector v = FloatVector.broadcast(F, x[xAt + i]);
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, column, ORDER);
      IntVector next = IntVector.fromMemorySegment(I, MEMORY, column + BYTES, ORDER);
      a0 = low(pair).fma(v, a0);
      a1 = number(pair).fma(v, a1);
      a2 = low(next).fma(v, a2);
      a3 = number(next).fma(v, a3);
    }
    Unit.store(a0, a1, a2, a3, out, at);
  }
}
