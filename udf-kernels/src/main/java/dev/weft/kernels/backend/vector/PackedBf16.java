package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** bf16 in pairs of columns, as {@link PackedF16}; a bf16 is the upper half of an f32. */
record PackedBf16() implements PackedFormat {
  @Override
  public long chunkBytes(int columns) {
    return (columns + 1L) / 2 * BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane) {
    for (int i = 0; i < columns; i++) {
      short half =
          src.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + (long) (first + i) * Short.BYTES);
      PackedF16.putHalf(dst, at, i, lane, half);
    }
    return true;
  }

  @Override
  public void decode(MemorySegment src, long from, int count, MemorySegment dst, long at) {
    long read = Lanes.address(src) + from;
    long write = Lanes.address(dst) + at;
    for (int i = 0; i < count; i += 2) {
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, read, ORDER);
      pair.lanewise(VectorOperators.LSHL, 16).intoMemorySegment(MEMORY, write, ORDER);
      pair.and(0xffff0000).intoMemorySegment(MEMORY, write + BYTES, ORDER);
      read += BYTES;
      write += 2 * BYTES;
    }
  }
}
