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
 * Q8_0 in blocks of 32 columns: a vector of f32 scales, then eight vectors in which each 32-bit
 * lane holds the bytes of columns 4i to 4i + 3, lowest first.
 *
 * <p>A byte is brought to the top of its lane, shifted down with its sign, converted and
 * multiplied, which is exact: 19 bits. With vectors of 512 bits, where one shift a cycle is all,
 * bytes are held plus 128, and a byte u is put into bits 8 to 15 of the fraction of 1.0 instead.
 * That makes {@code f = 1 + u 2^-15}, so that the value {@code (u - 128) d} is {@code f S - (1 +
 * 2^-8) S} with {@code S = 2^15 d}. Both terms are exact: d has 11 significant bits; and one fused
 * multiply-add rounds once.
 */
record PackedQ8() implements PackedFormat {
  static final int BLOCK = 32;
  private static final int BLOCK_FILE_BYTES = 34;
  private static final boolean FEW_SHIFTS = Lanes.COUNT == 16;
  private static final int ONE = Float.floatToRawIntBits(1f);
  private static final int BYTE = 0xff00;
  private static final float SPREAD = 0x1p15f;
  private static final float OFFSET = -(1 + 0x1p-8f);

  @Override
  public long chunkBytes(int columns) {
    return columns / BLOCK * 9L * BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane) {
    boolean finite = true;
    for (int b = 0; b < columns / BLOCK; b++) {
      long block = from + (long) (first / BLOCK + b) * BLOCK_FILE_BYTES;
      long place = at + b * 9L * BYTES + lane * 4L;
      float scale = Float.float16ToFloat(src.get(ValueLayout.JAVA_SHORT_UNALIGNED, block));
      finite &= Float.isFinite(scale);
      dst.set(ValueLayout.JAVA_FLOAT, place, FEW_SHIFTS ? scale * SPREAD : scale);
      for (int i = 0; i < 8; i++) {
        int four = src.get(ValueLayout.JAVA_INT_UNALIGNED, block + 2 + 4L * i);
        dst.set(
            ValueLayout.JAVA_INT, place + (i + 1L) * BYTES, FEW_SHIFTS ? four ^ 0x80808080 : four);
      }
    }
    return finite;
  }

  @Override
  public void decode(MemorySegment src, long from, int count, MemorySegment dst, long at) {
    if (FEW_SHIFTS) {
      decodeInFraction(Lanes.address(src) + from, count, Lanes.address(dst) + at);
    } else {
      decodeConverting(Lanes.address(src) + from, count, Lanes.address(dst) + at);
    }
  }

  private static void decodeConverting(long from, int count, long at) {
    long read = from;
    long write = at;
    for (int b = 0; b < count; b += BLOCK) {
      FloatVector scale = FloatVector.fromMemorySegment(F, MEMORY, read, ORDER);
      for (int i = 1; i <= 8; i++) {
        IntVector four = IntVector.fromMemorySegment(I, MEMORY, read + i * BYTES, ORDER);
        FloatVector f0 = Lanes.top(four.lanewise(VectorOperators.LSHL, 24), 24);
        f0.mul(scale).intoMemorySegment(MEMORY, write, ORDER);
        FloatVector f1 = Lanes.top(four.lanewise(VectorOperators.LSHL, 16), 24);
        f1.mul(scale).intoMemorySegment(MEMORY, write + BYTES, ORDER);
        FloatVector f2 = Lanes.top(four.lanewise(VectorOperators.LSHL, 8), 24);
        f2.mul(scale).intoMemorySegment(MEMORY, write + 2 * BYTES, ORDER);
        Lanes.top(four, 24).mul(scale).intoMemorySegment(MEMORY, write + 3 * BYTES, ORDER);
        write += 4 * BYTES;
      }
      read += 9L * BYTES;
    }
  }

  private static void decodeInFraction(long from, int count, long at) {
    long read = from;
    long write = at;
    for (int b = 0; b < count; b += BLOCK) {
      FloatVector scale = FloatVector.fromMemorySegment(F, MEMORY, read, ORDER);
      FloatVector offset = scale.mul(OFFSET);
      for (int i = 1; i <= 8; i++) {
        IntVector four = IntVector.fromMemorySegment(I, MEMORY, read + i * BYTES, ORDER);
        FloatVector f0 =
            four.lanewise(VectorOperators.LSHL, 8).and(BYTE).or(ONE).reinterpretAsFloats();
        f0.fma(scale, offset).intoMemorySegment(MEMORY, write, ORDER);
        FloatVector f1 = four.and(BYTE).or(ONE).reinterpretAsFloats();
        f1.fma(scale, offset).intoMemorySegment(MEMORY, write + BYTES, ORDER);
        FloatVector f2 =
            four.lanewise(VectorOperators.LSHR, 8).and(BYTE).or(ONE).reinterpretAsFloats();
        f2.fma(scale, offset).intoMemorySegment(MEMORY, write + 2 * BYTES, ORDER);
        FloatVector f3 =
            four.lanewise(VectorOperators.LSHR, 16).and(BYTE).or(ONE).reinterpretAsFloats();
        f3.fma(scale, offset).intoMemorySegment(MEMORY, write + 3 * BYTES, ORDER);
        write += 4 * BYTES;
      }
      read += 9L * BYTES;
    }
  }
}
