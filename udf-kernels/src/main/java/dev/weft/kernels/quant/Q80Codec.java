package dev.weft.kernels.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Q8_0: an f16 scale {@code d}, then 32 signed bytes {@code q}; the value is {@code q d}. */
record Q80Codec() implements BlockCodec {
  private static final int VALUES = 32;

  @Override
  public void decode(MemorySegment src, long offset, float[] dst, int dstOffset) {
    float scale = PlainCodecs.half(src, offset);
    for (int i = 0; i < VALUES; i++) {
      dst[dstOffset + i] = src.get(ValueLayout.JAVA_BYTE, offset + 2 + i) * scale;
    }
  }

  @Override
  public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
    float max = 0;
    for (int i = 0; i < VALUES; i++) {
      max = Math.max(max, Math.abs(src[srcOffset + i]));
    }
    float scale = max / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    PlainCodecs.putHalf(dst, offset, scale);
    for (int i = 0; i < VALUES; i++) {
      dst.set(
          ValueLayout.JAVA_BYTE,
          offset + 2 + i,
          (byte) roundAwayFromZero(src[srcOffset + i] * inverse));
    }
  }

  /** C's {@code roundf}: halves go away from zero. */
  private static int roundAwayFromZero(float value) {
    double magnitude = Math.floor(Math.abs((double) value) + 0.5);
    return (int) (value < 0 ? -magnitude : magnitude);
  }
}
