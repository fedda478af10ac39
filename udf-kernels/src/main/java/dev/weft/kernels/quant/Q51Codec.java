package dev.weft.kernels.quant;

import static dev.weft.kernels.quant.PlainCodecs.I32_LE;
import static dev.weft.kernels.quant.PlainCodecs.half;
import static dev.weft.kernels.quant.PlainCodecs.putHalf;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Q5_1: f16 scale {@code d} and minimum {@code m}, fifth bits and nibbles as in Q5_0; the value is
 * {@code q d + m}.
 */
record Q51Codec() implements GroupCodec {
  private static final int HALF = 16;
  private static final GroupLayout LAYOUT = new GroupLayout(2 * HALF, 2 * HALF, 5, 0, true);

  @Override
  public GroupLayout layout() {
    return LAYOUT;
  }

  @Override
  public void read(MemorySegment src, long offset, GroupValues values) {
    values.scales[0] = half(src, offset);
    values.addends[0] = half(src, offset + 2);
    int fifths = src.get(I32_LE, offset + 4);
    for (int i = 0; i < HALF; i++) {
      int pair = src.get(JAVA_BYTE, offset + 8 + i);
      values.integers[i] = (byte) (pair & 0xf | (fifths >>> i & 1) << 4);
      values.integers[HALF + i] = (byte) (pair >> 4 & 0xf | (fifths >>> (i + HALF) & 1) << 4);
    }
  }

  @Override
  public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
    Range range = Range.of(src, srcOffset);
    float scale = range.width() / 31;
    float inverse = scale == 0 ? 0 : 1 / scale;
    int fifths = 0;
    for (int i = 0; i < HALF; i++) {
      int low = quantize((src[srcOffset + i] - range.min()) * inverse);
      int high = quantize((src[srcOffset + HALF + i] - range.min()) * inverse);
      fifths |= low >> 4 << i | high >> 4 << (i + HALF);
      dst.set(JAVA_BYTE, offset + 8 + i, (byte) (low & 0xf | high << 4));
    }
    putHalf(dst, offset, scale);
    putHalf(dst, offset + 2, range.min());
    dst.set(I32_LE, offset + 4, fifths);
  }

  private static int quantize(float scaled) {
    return Math.min(31, (int) (scaled + 0.5f));
  }
}
