package dev.weft.kernels.kv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * How keys and values lie in the pages of one head. Kernels take 32-bit lanes, so the formats below
 * f32 hold two or four elements in each lane, lowest first: for keys those of neighbouring elements
 * of one position (lanes run over the 16 positions), for values those 16 elements apart (lanes run
 * over 16 elements of one position).
 *
 * <p>A stored element depends on its own token only, so what a page holds does not depend on the
 * steps that wrote it.
 */
public enum KvFormat {
  /** Keys {@code [headDim][16]}, values {@code [16][valueStride]}. */
  F32 {
    @Override
    long keyBytes(int headDim) {
      return (long) headDim * PAGE * Float.BYTES;
    }

    @Override
    long valueBytes(int stride) {
      return (long) PAGE * stride * Float.BYTES;
    }

    @Override
    void putKey(MemorySegment dst, long at, int slot, float[] key, int from, int headDim) {
      for (int d = 0; d < headDim; d++) {
        dst.set(JAVA_FLOAT, at + ((long) d * PAGE + slot) * Float.BYTES, key[from + d]);
      }
    }

    @Override
    void putValue(
        MemorySegment dst, long at, int slot, float[] value, int from, int headDim, int stride) {
      long row = at + (long) slot * stride * Float.BYTES;
      MemorySegment.copy(value, from, dst, JAVA_FLOAT, row, headDim);
    }

    @Override
    float key(MemorySegment src, long at, int slot, int d, int headDim) {
      return src.get(JAVA_FLOAT, at + ((long) d * PAGE + slot) * Float.BYTES);
    }

    @Override
    float value(MemorySegment src, long at, int slot, int d, int stride) {
      return src.get(JAVA_FLOAT, at + ((long) slot * stride + d) * Float.BYTES);
    }
  },

  /** Rounded to f16; what is too large becomes infinite. */
  F16 {
    @Override
    long keyBytes(int headDim) {
      return (headDim + 1L) / 2 * LINE;
    }

    @Override
    long valueBytes(int stride) {
      return (long) PAGE * chunks(stride) * LINE;
    }

    private int chunks(int stride) {
      return (stride + 31) / 32;
    }

    private long keyAt(int slot, int d) {
      return (long) d / 2 * LINE + slot * 4L + d % 2 * 2L;
    }

    private long valueAt(int slot, int d, int stride) {
      return ((long) slot * chunks(stride) + d / 32) * LINE + d % 16 * 4L + d % 32 / 16 * 2L;
    }

    @Override
    void putKey(MemorySegment dst, long at, int slot, float[] key, int from, int headDim) {
      for (int d = 0; d < headDim; d++) {
        dst.set(JAVA_SHORT, at + keyAt(slot, d), Float.floatToFloat16(key[from + d]));
      }
    }

    @Override
    void putValue(
        MemorySegment dst, long at, int slot, float[] value, int from, int headDim, int stride) {
      for (int d = 0; d < headDim; d++) {
        dst.set(JAVA_SHORT, at + valueAt(slot, d, stride), Float.floatToFloat16(value[from + d]));
      }
    }

    @Override
    float key(MemorySegment src, long at, int slot, int d, int headDim) {
      return Float.float16ToFloat(src.get(JAVA_SHORT, at + keyAt(slot, d)));
    }

    @Override
    float value(MemorySegment src, long at, int slot, int d, int stride) {
      return Float.float16ToFloat(src.get(JAVA_SHORT, at + valueAt(slot, d, stride)));
    }
  },

  /**
   * Bytes {@code q + 128} with an f32 scale for each 32 elements of a position, the largest of
   * which is 127 scales; scales follow the bytes.
   */
  Q8_0 {
    @Override
    long keyBytes(int headDim) {
      return (headDim + 3L) / 4 * LINE + (long) blocks(headDim) * LINE;
    }

    @Override
    long valueBytes(int stride) {
      return (long) PAGE * chunks(stride) * LINE + (long) blocks(stride) * LINE;
    }

    private int chunks(int stride) {
      return (stride + 63) / 64;
    }

    private long keyAt(int slot, int d) {
      return (long) d / 4 * LINE + slot * 4L + d % 4;
    }

    private long valueAt(int slot, int d, int stride) {
      return ((long) slot * chunks(stride) + d / 64) * LINE + d % 16 * 4L + d % 64 / 16;
    }

    private long keyScaleAt(int slot, int d, int headDim) {
      return ((headDim + 3L) / 4 + d / BLOCK) * LINE + slot * 4L;
    }

    private long valueScaleAt(int slot, int d, int stride) {
      return (long) PAGE * chunks(stride) * LINE + ((long) slot * blocks(stride) + d / BLOCK) * 4;
    }

    @Override
    void putKey(MemorySegment dst, long at, int slot, float[] key, int from, int headDim) {
      for (int block = 0; block < headDim; block += BLOCK) {
        int end = Math.min(headDim, block + BLOCK);
        float scale = scale(key, from + block, from + end);
        dst.set(JAVA_FLOAT, at + keyScaleAt(slot, block, headDim), scale);
        for (int d = block; d < end; d++) {
          dst.set(JAVA_BYTE, at + keyAt(slot, d), quantized(key[from + d], scale));
        }
      }
    }

    @Override
    void putValue(
        MemorySegment dst, long at, int slot, float[] value, int from, int headDim, int stride) {
      for (int block = 0; block < headDim; block += BLOCK) {
        int end = Math.min(headDim, block + BLOCK);
        float scale = scale(value, from + block, from + end);
        dst.set(JAVA_FLOAT, at + valueScaleAt(slot, block, stride), scale);
        for (int d = block; d < end; d++) {
          dst.set(JAVA_BYTE, at + valueAt(slot, d, stride), quantized(value[from + d], scale));
        }
      }
    }

    @Override
    float key(MemorySegment src, long at, int slot, int d, int headDim) {
      int q = src.get(JAVA_BYTE, at + keyAt(slot, d)) & 0xff;
      return (q - 128) * src.get(JAVA_FLOAT, at + keyScaleAt(slot, d, headDim));
    }

    @Override
    float value(MemorySegment src, long at, int slot, int d, int stride) {
      int q = src.get(JAVA_BYTE, at + valueAt(slot, d, stride)) & 0xff;
      return (q - 128) * src.get(JAVA_FLOAT, at + valueScaleAt(slot, d, stride));
    }

    /** Not finite if an element is not: NaN times any byte is NaN. */
    private static float scale(float[] x, int from, int to) {
      float largest = 0;
      for (int i = from; i < to; i++) {
        largest = Math.max(largest, Math.abs(x[i]));
      }
      return Float.isFinite(largest) ? largest / 127 : Float.NaN;
    }

    private static byte quantized(float x, float scale) {
      return (byte) (scale > 0 ? Math.clamp(Math.round(x / scale), -127, 127) + 128 : 128);
    }
  };

  /** Elements that share a scale. */
  public static final int BLOCK = 32;

  private static final int PAGE = KvConfig.PAGE_TOKENS;

  /** Bytes of 16 lanes. */
  static final int LINE = PAGE * Integer.BYTES;

  private static int blocks(int elements) {
    return (elements + BLOCK - 1) / BLOCK;
  }

  /** As in configurations and reports: {@code f32}, {@code f16}, {@code q8_0}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The format with a label.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static KvFormat of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }

  /** Bytes of the keys of a page and head. */
  abstract long keyBytes(int headDim);

  /** Bytes of the values of a page and head. */
  abstract long valueBytes(int stride);

  /** Stores the key of the position {@code slot} of a page that begins at byte {@code at}. */
  abstract void putKey(MemorySegment dst, long at, int slot, float[] key, int from, int headDim);

  /** Likewise its value. */
  abstract void putValue(
      MemorySegment dst, long at, int slot, float[] value, int from, int headDim, int stride);

  /** Element {@code d} of a stored key: reference decoding. */
  abstract float key(MemorySegment src, long at, int slot, int d, int headDim);

  /** Likewise of a value. */
  abstract float value(MemorySegment src, long at, int slot, int d, int stride);
}
