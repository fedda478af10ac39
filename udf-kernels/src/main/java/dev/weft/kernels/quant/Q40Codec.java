package dev.weft.kernels.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Q4_0: an f16 scale {@code d}, then 16 bytes; byte {@code i} holds value {@code i} in its low and
 * value {@code i + 16} in its high four bits; the value is {@code (q - 8) d}.
 */
record Q40Codec() implements GroupCodec {
  private static final int HALF = 16;

  private static final GroupLayout LAYOUT = new GroupLayout(2 * HALF, 2 * HALF, 4, 8, false);

  @Override
  public GroupLayout layout() {
    return LAYOUT;
  }

  @Override
  public void read(MemorySegment src, long offset, GroupValues values) {
    values.scales[0] = PlainCodecs.half(src, offset);
    for (int i = 0; i < HALF; i++) {
      int pair = src.get(ValueLayout.JAVA_BYTE, offset + 2 + i);
      values.integers[i] = (byte) (pair & 0xf);
      values.integers[HALF + i] = (byte) (pair >> 4 & 0xf);
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
    float scale = extreme / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    PlainCodecs.putHalf(dst, offset, scale);
    for (int i = 0; i < HALF; i++) {
      int low = quantize(src[srcOffset + i] * inverse);
      int high = quantize(src[srcOffset + HALF + i] * inverse);
      dst.set(ValueLayout.JAVA_BYTE, offset + 2 + i, (byte) (low | high << 4));
    }
  }

  private static int quantize(float scaled) {
    return Math.min(15, (int) (scaled + 8.5f));
  }
}
