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
 * Q4_0 in blocks of 32 columns: a vector of f32 scales, then four vectors in which each 32-bit lane
 * holds the nibbles of columns 8i to 8i + 7, lowest first; with vectors of up to 256 bits as
 * numbers with a sign, from -8 to 7.
 *
 * <p>Decoding is that of {@link PackedQ8}: a nibble u in bits p to p + 3 of the fraction of 1.0
 * makes {@code f = 1 + u 2^(p-23)}, and {@code (u - 8) d = f S - (1 + 2^(p-20)) S} with {@code S =
 * 2^(23-p) d}, exact for p of 8, 12 and 16. Three nibbles need no shift of their own.
 */
record PackedQ4() implements PackedFormat {
  private static final int BLOCK = 32;
  private static final int BLOCK_FILE_BYTES = 18;
  private static final boolean FEW_SHIFTS = Lanes.COUNT == 16;
  private static final int ONE = Float.floatToRawIntBits(1f);

  @Override
  public long chunkBytes(int columns) {
    return columns / BLOCK * 5L * BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane) {
    boolean finite = true;
    for (int b = 0; b < columns / BLOCK; b++) {
      long block = from + (long) (first / BLOCK + b) * BLOCK_FILE_BYTES;
      long place = at + b * 5L * BYTES + lane * 4L;
      float scale = Float.float16ToFloat(src.get(ValueLayout.JAVA_SHORT_UNALIGNED, block));
      finite &= Float.isFinite(scale);
      dst.set(ValueLayout.JAVA_FLOAT, place, scale);
      for (int i = 0; i < 4; i++) {
        int eight = 0;
        for (int j = 0; j < 8; j++) {
          int column = 8 * i + j;
          int pair = src.get(ValueLayout.JAVA_BYTE, block + 2 + column % 16);
          eight |= (column < 16 ? pair & 15 : pair >> 4 & 15) << 4 * j;
        }
        dst.set(
            ValueLayout.JAVA_INT,
            place + (i + 1L) * BYTES,
            FEW_SHIFTS ? eight : eight ^ 0x88888888);
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
      for (int i = 1; i <= 4; i++) {
        IntVector eight = IntVector.fromMemorySegment(I, MEMORY, read + i * BYTES, ORDER);
        for (int j = 28; j >= 0; j -= 4) {
          FloatVector f = Lanes.top(eight.lanewise(VectorOperators.LSHL, j), 28);
          f.mul(scale).intoMemorySegment(MEMORY, write, ORDER);
          write += BYTES;
        }
      }
      read += 5L * BYTES;
    }
  }

  private static void decodeInFraction(long from, int count, long at) {
    long read = from;
    long write = at;
    for (int b = 0; b < count; b += BLOCK) {
      FloatVector scale = FloatVector.fromMemorySegment(F, MEMORY, read, ORDER);
      FloatVector scale8 = scale.mul(0x1p15f);
      FloatVector scale12 = scale.mul(0x1p11f);
      FloatVector scale16 = scale.mul(0x1p7f);
      FloatVector offset8 = scale8.mul(-(1 + 0x1p-12f));
      FloatVector offset12 = scale12.mul(-(1 + 0x1p-8f));
      FloatVector offset16 = scale16.mul(-(1 + 0x1p-4f));
      for (int i = 1; i <= 4; i++) {
        IntVector eight = IntVector.fromMemorySegment(I, MEMORY, read + i * BYTES, ORDER);
        IntVector low = eight.lanewise(VectorOperators.LSHL, 8);
        IntVector high = eight.lanewise(VectorOperators.LSHR, 12);
        FloatVector f0 = low.and(0xf00).or(ONE).reinterpretAsFloats();
        f0.fma(scale8, offset8).intoMemorySegment(MEMORY, write, ORDER);
        FloatVector f1 = low.and(0xf000).or(ONE).reinterpretAsFloats();
        f1.fma(scale12, offset12).intoMemorySegment(MEMORY, write + BYTES, ORDER);
        FloatVector f2 = eight.and(0xf00).or(ONE).reinterpretAsFloats();
        f2.fma(scale8, offset8).intoMemorySegment(MEMORY, write + 2 * BYTES, ORDER);
        FloatVector f3 = eight.and(0xf000).or(ONE).reinterpretAsFloats();
        f3.fma(scale12, offset12).intoMemorySegment(MEMORY, write + 3 * BYTES, ORDER);
        FloatVector f4 = eight.and(0xf0000).or(ONE).reinterpretAsFloats();
        f4.fma(scale16, offset16).intoMemorySegment(MEMORY, write + 4 * BYTES, ORDER);
        FloatVector f5 = high.and(0xf00).or(ONE).reinterpretAsFloats();
        f5.fma(scale8, offset8).intoMemorySegment(MEMORY, write + 5 * BYTES, ORDER);
        FloatVector f6 = high.and(0xf000).or(ONE).reinterpretAsFloats();
        f6.fma(scale12, offset12).intoMemorySegment(MEMORY, write + 6 * BYTES, ORDER);
        FloatVector f7 = high.and(0xf0000).or(ONE).reinterpretAsFloats();
        f7.fma(scale16, offset16).intoMemorySegment(MEMORY, write + 7 * BYTES, ORDER);
        write += 8 * BYTES;
      }
      read += 5L * BYTES;
    }
  }
}
