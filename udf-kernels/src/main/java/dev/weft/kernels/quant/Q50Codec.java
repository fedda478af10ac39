package dev.weft.kernels.quant;

import static dev.weft.kernels.quant.PlainCodecs.I32_LE;
import static dev.weft.kernels.quant.PlainCodecs.half;
import static dev.weft.kernels.quant.PlainCodecs.putHalf;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Q5_0: an f16 scale {@code d}, 32 fifth bits, bit {@code i} for value {@code i}, then 16 bytes of
 * nibbles as in Q4_0; the value is {@code (q - 16) d}.
 */
record Q50Codec() implements GroupCodec {
  private static final int HALF = 16;
  private static final GroupLayout LAYOUT = new GroupLayout(2 * HALF, 2 * HALF, 5, 16, false);

  @Override
  public GroupLayout layout() {
    return LAYOUT;
  }

  @Override
  public void read(MemorySegment src, long offset, GroupValues values) {
    values.scales[0] = half(src, offset);
    int fifths = src.get(I32_LE, offset + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = src.get(JAVA_BYTE, offset + 6 + i);
      values.integers[i] = (byte) (pair & 0xf | (fifths >>> i & 1) << 4);
      values.integers[HALF + i] = (byte) (pair >> 4 & 0xf | (fifths >>> (i + HALF) & 1) << 4);
    }
  }

  @Override
  public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
    float extreme = 0;
    for (int i = 0; i < 2 * HALF; i++) {
      float value = src[srcOffset + i];
      if (Math.abs(value) > Math.abs(extreme)) {
        extreme = value;
      }
    }
    float scale = extreme / -16;
    float inverse = scale == 0 ? 0 : 1 / scale;
    int fifths = 0;
    for (int i = 0; i < HALF; i++) {
      int low = quantize(src[srcOffset + i] * inverse);
      int high = quantize(src[srcOffset + HALF + i] * inverse);
      fifths |= low >> 4 << i | high >> 4 << (i + HALF);
      dst.set(JAVA_BYTE, offset + 6 + i, (byte) (low & 0xf | high << 4));
    }
    putHalf(dst, offset, scale);
    dst.set(I32_LE, offset + 2, fifths);
  }

  private static int quantize(float scaled) {
    return Math.min(31, (int) (scaled + 16.5f));
  }
}
