package dev.weft.kernels.quant;

import static dev.weft.kernels.quant.PlainCodecs.half;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The k-quants: blocks of 256 values in groups of 16 or 32 with a scale, and for some a minimum, of
 * their own, which are quantized themselves. Only read. Source: {@code dequantize_row_q*_K} of
 * ggml.
 */
final class KQuantCodecs {
  private KQuantCodecs() {}

  private static int unsigned(MemorySegment src, long offset) {
    return src.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
  }

  /**
   * 16 bytes of 4-bit scale and 4-bit minimum, 64 bytes of 2-bit values, f16 {@code d} and {@code
   * dmin}; the value is {@code d scale q - dmin min}.
   */
  record Q2() implements GroupCodec {
    private static final GroupLayout LAYOUT = new GroupLayout(256, 16, 2, 0, true);

    @Override
    public GroupLayout layout() {
      return LAYOUT;
    }

    @Override
    public void read(MemorySegment src, long offset, GroupValues values) {
      float d = half(src, offset + 80);
      float dmin = half(src, offset + 82);
      for (int group = 0; group < 16; group++) {
        int scales = unsigned(src, offset + group);
        values.scales[group] = d * (scales & 0xf);
        values.addends[group] = -(dmin * (scales >> 4));
        long from = offset + 16 + group / 8 * 32 + group % 2 * 16;
        int shift = group % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) {
          values.integers[group * 16 + i] = (byte) (unsigned(src, from + i) >> shift & 3);
        }
      }
    }
  }

  /**
   * 32 bytes of third bits, 64 bytes of 2-bit values, 12 bytes of 6-bit scales, f16 {@code d}; the
   * value is {@code d (scale - 32) (q - 4)}.
   */
  record Q3() implements GroupCodec {
    private static final GroupLayout LAYOUT = new GroupLayout(256, 16, 3, 4, false);

    @Override
    public GroupLayout layout() {
      return LAYOUT;
    }

    @Override
    public void read(MemorySegment src, long offset, GroupValues values) {
      float d = half(src, offset + 108);
      for (int group = 0; group < 16; group++) {
        values.scales[group] = d * (scale(src, offset + 96, group) - 32);
        int byteInHalf = group % 2 * 16;
        long from = offset + 32 + group / 8 * 32 + byteInHalf;
        int shift = group % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) {
          int low = unsigned(src, from + i) >> shift & 3;
          int high = unsigned(src, offset + byteInHalf + i) >> (group / 2) & 1;
          values.integers[group * 16 + i] = (byte) (low | high << 2);
        }
      }
    }

    private static int scale(MemorySegment src, long offset, int group) {
      int low = unsigned(src, offset + group % 8) >> (group / 8 * 4) & 0xf;
      int high = unsigned(src, offset + 8 + group % 4) >> (group / 4 * 2) & 3;
      return low | high << 4;
    }
  }

  /** The 6-bit scale of group {@code group} of Q4_K and Q5_K, whose scales begin at offset. */
  private static int scale(MemorySegment src, long offset, int group) {
    return group < 4
        ? unsigned(src, offset + group) & 63
        : unsigned(src, offset + group + 4) & 0xf | unsigned(src, offset + group - 4) >> 6 << 4;
  }

  /** The 6-bit minimum, likewise. */
  private static int min(MemorySegment src, long offset, int group) {
    return group < 4
        ? unsigned(src, offset + group + 4) & 63
        : unsigned(src, offset + group + 4) >> 4 | unsigned(src, offset + group) >> 6 << 4;
  }

  /**
   * f16 {@code d} and {@code dmin}, 12 bytes of 6-bit scales and minimums, 128 bytes of nibbles;
   * the value is {@code d scale q - dmin min}.
   */
  record Q4() implements GroupCodec {
    private static final GroupLayout LAYOUT = new GroupLayout(256, 32, 4, 0, true);

    @Override
    public GroupLayout layout() {
      return LAYOUT;
    }

    @Override
    public void read(MemorySegment src, long offset, GroupValues values) {
      float d = half(src, offset);
      float dmin = half(src, offset + 2);
      for (int group = 0; group < 8; group++) {
        values.scales[group] = d * scale(src, offset + 4, group);
        values.addends[group] = -(dmin * min(src, offset + 4, group));
        long from = offset + 16 + group / 2 * 32;
        for (int i = 0; i < 32; i++) {
          int q = unsigned(src, from + i) >> (group % 2 * 4) & 0xf;
          values.integers[group * 32 + i] = (byte) q;
        }
      }
    }
  }

  /** Q4_K with 32 bytes of fifth bits between scales and nibbles. */
  record Q5() implements GroupCodec {
    private static final GroupLayout LAYOUT = new GroupLayout(256, 32, 5, 0, true);

    @Override
    public GroupLayout layout() {
      return LAYOUT;
    }

    @Override
    public void read(MemorySegment src, long offset, GroupValues values) {
      float d = half(src, offset);
      float dmin = half(src, offset + 2);
      for (int group = 0; group < 8; group++) {
        values.scales[group] = d * scale(src, offset + 4, group);
        values.addends[group] = -(dmin * min(src, offset + 4, group));
        long from = offset + 48 + group / 2 * 32;
        for (int i = 0; i < 32; i++) {
          int low = unsigned(src, from + i) >> (group % 2 * 4) & 0xf;
          int high = unsigned(src, offset + 16 + i) >> group & 1;
          values.integers[group * 32 + i] = (byte) (low | high << 4);
        }
      }
    }
  }

  /**
   * 128 bytes of low nibbles, 64 bytes of upper pairs of bits, 16 signed scales, f16 {@code d}; the
   * value is {@code d scale (q - 32)}.
   */
  record Q6() implements GroupCodec {
    private static final GroupLayout LAYOUT = new GroupLayout(256, 16, 6, 32, false);

    @Override
    public GroupLayout layout() {
      return LAYOUT;
    }

    @Override
    public void read(MemorySegment src, long offset, GroupValues values) {
      float d = half(src, offset + 208);
      for (int group = 0; group < 16; group++) {
        values.scales[group] = d * src.get(ValueLayout.JAVA_BYTE, offset + 192 + group);
        int row = group % 8 / 2;
        int column = group % 2 * 16;
        long lows = offset + group / 8 * 64 + row % 2 * 32 + column;
        long highs = offset + 128 + group / 8 * 32 + column;
        for (int i = 0; i < 16; i++) {
          int low = unsigned(src, lows + i) >> (row / 2 * 4) & 0xf;
          int high = unsigned(src, highs + i) >> (row * 2) & 3;
          values.integers[group * 16 + i] = (byte) (low | high << 4);
        }
      }
    }
  }
}
