package dev.weft.kernels.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** f32 {@code [column][groups][lanes]}; kernels read it as it is. */
record PackedF32() implements DecodedFormat {
  @Override
  public long bytes(int columns) {
    return (long) columns * Unit.STEP_BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    for (int i = 0; i < columns; i++) {
      put(
          dst,
          at,
          i,
          row,
          src.get(ValueLayout.JAVA_FLOAT_UNALIGNED, from + (long) i * Float.BYTES));
    }
    return true;
  }

  static void put(MemorySegment unit, long at, int column, int row, float value) {
    long place = at + (long) column * Unit.STEP_BYTES + (long) row * Float.BYTES;
    unit.set(ValueLayout.JAVA_FLOAT, place, value);
  }

  @Override
  public void decode(long read, int count, long write) {
    MemorySegment.copy(Lanes.MEMORY, read, Lanes.MEMORY, write, bytes(count));
  }

  @Override
  public boolean multipliesRows() {
    return true;
  }

  @Override
  public void addRow(long read, int count, float[] x, int xAt, float[] out, int at) {
    Unit.addRow(read, count, x, xAt, out, at);
  }
}
