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

/** bf16 as {@link PackedF16} lies; a bf16 is the upper half of an f32. */
record PackedBf16() implements DecodedFormat {
  private static final int UPPER = 0xffff0000;

  @Override
  public long bytes(int columns) {
    return (long) columns * PackedF16.COLUMN_BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    for (int i = 0; i < columns; i++) {
      short half = src.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + (long) i * Short.BYTES);
      PackedF16.putHalf(dst, at, i, row, half);
    }
    return true;
  }

  private static FloatVector low(IntVector pair) {
    return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  private static FloatVector high(IntVector pair) {
    return pair.and(UPPER).reinterpretAsFloats();
  }

  @Override
  public void decode(long read, int count, long write) {
    for (int i = 0; i < count; i++) {
      long at = read + (long) i * PackedF16.COLUMN_BYTES;
      long step = write + (long) i * Unit.STEP_BYTES;
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, at, ORDER);
      IntVector next = IntVector.fromMemorySegment(I, MEMORY, at + BYTES, ORDER);
      low(pair).intoMemorySegment(MEMORY, step, ORDER);
      high(pair).intoMemorySegment(MEMORY, step + BYTES, ORDER);
      low(next).intoMemorySegment(MEMORY, step + 2 * BYTES, ORDER);
      high(next).intoMemorySegment(MEMORY, step + 3 * BYTES, ORDER);
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
      long column = read + (long) i * PackedF16.COLUMN_BYTES;
      FloatVector v = FloatVector.broadcast(F, x[xAt + i]);
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, column, ORDER);
      IntVector next = IntVector.fromMemorySegment(I, MEMORY, column + BYTES, ORDER);
      a0 = low(pair).fma(v, a0);
      a1 = high(pair).fma(v, a1);
      a2 = low(next).fma(v, a2);
      a3 = high(next).fma(v, a3);
    }
    Unit.store(a0, a1, a2, a3, out, at);
  }
}
