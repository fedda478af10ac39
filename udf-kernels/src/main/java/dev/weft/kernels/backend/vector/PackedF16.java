package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
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
 * f16 in pairs of columns: each 32-bit lane holds columns 2i (low half) and 2i + 1 (high half).
 *
 * <p>Decoding puts exponent and fraction of the f16 in the places of an f32's and multiplies by
 * 2^112, the difference of the biases, which is exact for normal and denormal values. Infinities
 * and NaN would come out as large numbers, so a matrix that has them is not held in this format.
 */
record PackedF16() implements PackedFormat {
  private static final int EXPONENT = 0x7c00;

  /** Sign, and the 15 other bits from bit 13 on. */
  static final int PLACES = 0x8fffe000;

  @Override
  public long chunkBytes(int columns) {
    return (columns + 1L) / 2 * BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane) {
    boolean finite = true;
    for (int i = 0; i < columns; i++) {
      short half =
          src.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + (long) (first + i) * Short.BYTES);
      finite &= (half & EXPONENT) != EXPONENT;
      putHalf(dst, at, i, lane, half);
    }
    return finite;
  }

  static void putHalf(MemorySegment dst, long at, int column, int lane, short half) {
    long place = at + (long) (column / 2) * BYTES + (long) lane * 4;
    int pair = dst.get(ValueLayout.JAVA_INT, place);
    dst.set(ValueLayout.JAVA_INT, place, pair | (half & 0xffff) << 16 * (column & 1));
  }

  @Override
  public void decode(MemorySegment src, long from, int count, MemorySegment dst, long at) {
    FloatVector bias = FloatVector.broadcast(F, 0x1p112f);
    long read = Lanes.address(src) + from;
    long write = Lanes.address(dst) + at;
    for (int i = 0; i < count; i += 2) {
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, read, ORDER);
      IntVector low = pair.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
      IntVector high = pair.lanewise(VectorOperators.ASHR, 3);
      low.and(PLACES).reinterpretAsFloats().mul(bias).intoMemorySegment(MEMORY, write, ORDER);
      high.and(PLACES)
          .reinterpretAsFloats()
          .mul(bias)
          .intoMemorySegment(MEMORY, write + BYTES, ORDER);
      read += BYTES;
      write += 2 * BYTES;
    }
  }
}
