package dev.weft.kernels.quant;

import static dev.weft.kernels.quant.PlainCodecs.half;
import static dev.weft.kernels.quant.PlainCodecs.putHalf;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Q4_1: f16 scale {@code d} and minimum {@code m}, then 16 bytes of nibbles {@code q} as in Q4_0;
 * the value is {@code q d + m}.
 */
record Q41Codec() implements GroupCodec {
  private static final int HALF = 16;
  private static final GroupLayout LAYOUT = new GroupLayout(2 * HALF, 2 * HALF, 4, 0, true);

  @Override
  public GroupLayout layout() {
    return LAYOUT;
  }

  @Override
  public void read(MemorySegment src, long offset, GroupValues values) {
    values.scales[0] = half(src, offset);
    values.addends[0] = half(src, offset + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = src.get(JAVA_BYTE, offset + 4 + i);
      values.integers[i] = (byte) (pair & 0xf);
      values.integers[HALF + i] = (byte) (pair >> 4 & 0xf);
    }
  }

  @Override
  public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
    Range range = Range.of(src, srcOffset);
    float scale = range.width() / 15;
    float inverse = scale == 0 ? 0 : 1 / scale;
    putHalf(dst, offset, scale);
    putHalf(dst, offset + 2, range.min());
    for (int i = 0; i < HALF; i++) {
      int low = quantize((src[srcOffset + i] - range.min()) * inverse);
      int high = quantize((src[srcOffset + HALF + i] - range.min()) * inverse);
      dst.set(JAVA_BYTE, offset + 4 + i, (byte) (low | high << 4));
    }
  }

  private static int quantize(float scaled) {
    return Math.min(15, (int) (scaled + 0.5f));
  }
}
