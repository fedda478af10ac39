package dev.weft.kernels.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** f32 {@code [column][lane]}; kernels read it as it is. */
record PackedF32() implements PackedFormat {
  @Override
  public long chunkBytes(int columns) {
    return (long) columns * Lanes.BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane) {
    for (int i = 0; i < columns; i++) {
      float value =
          src.get(ValueLayout.JAVA_FLOAT_UNALIGNED, from + (long) (first + i) * Float.BYTES);
      put(dst, at, i, lane, value);
    }
    return true;
  }

  static void put(MemorySegment dst, long at, int column, int lane, float value) {
    dst.set(
        ValueLayout.JAVA_FLOAT,
        at + (long) column * Lanes.BYTES + (long) lane * Float.BYTES,
        value);
  }

  @Override
  public void decode(MemorySegment src, long from, int count, MemorySegment dst, long at) {
    MemorySegment.copy(src, from, dst, at, (long) count * Lanes.BYTES);
  }
}
