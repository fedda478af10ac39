package dev.weft.kernels.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Formats without scales: one value is one block. */
final class PlainCodecs {
  static final ValueLayout.OfFloat F32_LE =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort I16_LE =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt I32_LE =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private PlainCodecs() {}

  /** The f16 at {@code offset}. */
  static float half(MemorySegment src, long offset) {
    return Float.float16ToFloat(src.get(I16_LE, offset));
  }

  static void putHalf(MemorySegment dst, long offset, float value) {
    dst.set(I16_LE, offset, Float.floatToFloat16(value));
  }

  record F32() implements BlockCodec {
    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int dstOffset) {
      dst[dstOffset] = src.get(F32_LE, offset);
    }

    @Override
    public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
      dst.set(F32_LE, offset, src[srcOffset]);
    }
  }

  record F16() implements BlockCodec {
    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int dstOffset) {
      dst[dstOffset] = Float.float16ToFloat(src.get(I16_LE, offset));
    }

    @Override
    public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
      dst.set(I16_LE, offset, Float.floatToFloat16(src[srcOffset]));
    }
  }

  record Bf16() implements BlockCodec {
    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int dstOffset) {
      dst[dstOffset] = Float.intBitsToFloat(src.get(I16_LE, offset) << 16);
    }

    @Override
    public void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
      dst.set(I16_LE, offset, roundToBf16(src[srcOffset]));
    }

    /** Round to nearest, ties to even; a NaN stays a (quiet) NaN. */
    private static short roundToBf16(float value) {
      int bits = Float.floatToRawIntBits(value);
      if (Float.isNaN(value)) {
        return (short) ((bits >>> 16) | 0x40);
      }
      return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
  }
}
