package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code of products with weights. Weights lie in tiles of {@value #LANES} output rows, the
 * words of a row {@value #LANES} apart ({@code [tile][word][lane]}), so that neighbouring threads
 * read neighbouring words; see {@link DeviceFormat} for what a word holds. A work group has one
 * tile and one token, or {@value #TOKENS}; its {@value #SLICES} slices of the inner dimension are
 * summed up by {@value #LANES} threads each, and then added in order. Both kernels add in the same
 * order, so that a token's result is the same in any batch.
 *
 * <p>A product may also be added to other activations, as the residual stream takes it: an
 * operation less for the device, with the same bits.
 *
 * <p>{@code format} is a constant of the compiled code; branches on it are gone there.
 */
final class MatmulKernels {
  /** Output rows of a tile. */
  static final int LANES = 32;

  /** Parts of the inner dimension that are summed up side by side. */
  static final int SLICES = 8;

  /** Threads of a work group. */
  static final int GROUP = LANES * SLICES;

  /** Tokens that share the decoding of a weight. */
  static final int TOKENS = 8;

  private MatmulKernels() {}

  /** One token for a work group. */
  static void oneToken(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray tables,
      IntArray packed,
      FloatArray scales,
      int slot,
      int format) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int lane = thread & 31;
    int slice = thread >> 5;
    int words = step.get(p + 5);
    int wordAt = step.get(p + 7);
    int scaleAt = step.get(p + 8);
    int each = (words + 7) / 8;
    int from = slice * each;
    int to = TornadoMath.min(from + each, words);
    int elements = 1;
    int blockWords = 1;
    if (format == DeviceFormat.Q8) {
      elements = 4;
      blockWords = 8;
    } else if (format == DeviceFormat.Q4) {
      elements = 8;
      blockWords = 4;
    } else if (format != DeviceFormat.F32) {
      elements = 2;
    }
    int blocks = words / blockWords;
    float[] parts = c.allocateFloatLocalArray(256);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 8) {
      int row = item / groupsX;
      int tile = item - row * groupsX;
      int x0 = step.get(p + 1) + row * step.get(p + 2);
      float a0 = 0f;
      for (int w = from; w < to; w++) {
        int v = 0;
        float scale = 1f;
        if (format != DeviceFormat.F32) {
          v = packed.get(wordAt + (tile * words + w) * 32 + lane);
        }
        if (format == DeviceFormat.Q8 || format == DeviceFormat.Q4) {
          scale = scales.get(scaleAt + (tile * blocks + w / blockWords) * 32 + lane);
        }
        for (int i = 0; i < elements; i++) {
          float weight;
          if (format == DeviceFormat.F32) {
            weight = scales.get(wordAt + (tile * words + w) * 32 + lane);
          } else if (format == DeviceFormat.Q8) {
            weight = ((v << (24 - 8 * i)) >> 24) * scale;
          } else if (format == DeviceFormat.Q4) {
            weight = (((v >> (4 * i)) & 15) - 8) * scale;
          } else if (format == DeviceFormat.F16) {
            int half = v >> (16 * i);
            int exponent = (half >> 10) & 31;
            int mantissa = half & 1023;
            mantissa = exponent > 0 ? mantissa + 1024 : mantissa;
            weight = mantissa * tables.get(DeviceFormat.F16_POWERS + exponent);
            weight = (half & 32768) != 0 ? -weight : weight;
          } else {
            int half = v >> (16 * i);
            int exponent = (half >> 7) & 255;
            int mantissa = half & 127;
            mantissa = exponent > 0 ? mantissa + 128 : mantissa;
            weight = mantissa * tables.get(DeviceFormat.BF16_POWERS + exponent);
            weight = (half & 32768) != 0 ? -weight : weight;
          }
          int k = w * elements + i;
          a0 += weight * arena.get(x0 + k);
        }
      }
      parts[0 + thread] = a0;
      c.localBarrier();
      if (slice == 0) {
        float sum = parts[lane];
        for (int s = 1; s < 8; s++) {
          sum += parts[s * 32 + lane];
        }
        int column = tile * 32 + lane;
        if (column < step.get(p + 6)) {
          arena.set(step.get(p + 3) + row * step.get(p + 4) + column, sum);
          int onto = step.get(p + 9);
          if (onto >= 0) {
            int at = onto + row * step.get(p + 10) + column;
            arena.set(at, arena.get(at) + sum);
          }
        }
      }
      c.localBarrier();
    }
  }

  /** Eight tokens for a work group; those beyond the last are computed as the last. */
  static void eightTokens(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray tables,
      IntArray packed,
      FloatArray scales,
      int slot,
      int format) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int rows = step.get(p);
    int thread = c.localIdx;
    int lane = thread & 31;
    int slice = thread >> 5;
    int words = step.get(p + 5);
    int wordAt = step.get(p + 7);
    int scaleAt = step.get(p + 8);
    int each = (words + 7) / 8;
    int from = slice * each;
    int to = TornadoMath.min(from + each, words);
    int elements = 1;
    int blockWords = 1;
    if (format == DeviceFormat.Q8) {
      elements = 4;
      blockWords = 8;
    } else if (format == DeviceFormat.Q4) {
      elements = 8;
      blockWords = 4;
    } else if (format != DeviceFormat.F32) {
      elements = 2;
    }
    int blocks = words / blockWords;
    float[] parts = c.allocateFloatLocalArray(2048);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 8) {
      int eight = item / groupsX;
      int tile = item - eight * groupsX;
      int first = eight * 8;
      int x0 = step.get(p + 1) + TornadoMath.min(first + 0, rows - 1) * step.get(p + 2);
      int x1 = step.get(p + 1) + TornadoMath.min(first + 1, rows - 1) * step.get(p + 2);
      int x2 = step.get(p + 1) + TornadoMath.min(first + 2, rows - 1) * step.get(p + 2);
      int x3 = step.get(p + 1) + TornadoMath.min(first + 3, rows - 1) * step.get(p + 2);
      int x4 = step.get(p + 1) + TornadoMath.min(first + 4, rows - 1) * step.get(p + 2);
      int x5 = step.get(p + 1) + TornadoMath.min(first + 5, rows - 1) * step.get(p + 2);
      int x6 = step.get(p + 1) + TornadoMath.min(first + 6, rows - 1) * step.get(p + 2);
      int x7 = step.get(p + 1) + TornadoMath.min(first + 7, rows - 1) * step.get(p + 2);
      float a0 = 0f;
      float a1 = 0f;
      float a2 = 0f;
      float a3 = 0f;
      float a4 = 0f;
      float a5 = 0f;
      float a6 = 0f;
      float a7 = 0f;
      for (int w = from; w < to; w++) {
        int v = 0;
        float scale = 1f;
        if (format != DeviceFormat.F32) {
          v = packed.get(wordAt + (tile * words + w) * 32 + lane);
        }
        if (format == DeviceFormat.Q8 || format == DeviceFormat.Q4) {
          scale = scales.get(scaleAt + (tile * blocks + w / blockWords) * 32 + lane);
        }
        for (int i = 0; i < elements; i++) {
          float weight;
          if (format == DeviceFormat.F32) {
            weight = scales.get(wordAt + (tile * words + w) * 32 + lane);
          } else if (format == DeviceFormat.Q8) {
            weight = ((v << (24 - 8 * i)) >> 24) * scale;
          } else if (format == DeviceFormat.Q4) {
            weight = (((v >> (4 * i)) & 15) - 8) * scale;
          } else if (format == DeviceFormat.F16) {
            int half = v >> (16 * i);
            int exponent = (half >> 10) & 31;
            int mantissa = half & 1023;
            mantissa = exponent > 0 ? mantissa + 1024 : mantissa;
            weight = mantissa * tables.get(DeviceFormat.F16_POWERS + exponent);
            weight = (half & 32768) != 0 ? -weight : weight;
          } else {
            int half = v >> (16 * i);
            int exponent = (half >> 7) & 255;
            int mantissa = half & 127;
            mantissa = exponent > 0 ? mantissa + 128 : mantissa;
            weight = mantissa * tables.get(DeviceFormat.BF16_POWERS + exponent);
            weight = (half & 32768) != 0 ? -weight : weight;
          }
          int k = w * elements + i;
          a0 += weight * arena.get(x0 + k);
          a1 += weight * arena.get(x1 + k);
          a2 += weight * arena.get(x2 + k);
          a3 += weight * arena.get(x3 + k);
          a4 += weight * arena.get(x4 + k);
          a5 += weight * arena.get(x5 + k);
          a6 += weight * arena.get(x6 + k);
          a7 += weight * arena.get(x7 + k);
        }
      }
      parts[0 + thread] = a0;
      parts[256 + thread] = a1;
      parts[512 + thread] = a2;
      parts[768 + thread] = a3;
      parts[1024 + thread] = a4;
      parts[1280 + thread] = a5;
      parts[1536 + thread] = a6;
      parts[1792 + thread] = a7;
      c.localBarrier();
      int own = slice * 256 + lane;
      float sum = parts[own];
      for (int s = 1; s < 8; s++) {
        sum += parts[own + s * 32];
      }
      int row = first + slice;
      int column = tile * 32 + lane;
      if (row < rows && column < step.get(p + 6)) {
        arena.set(step.get(p + 3) + row * step.get(p + 4) + column, sum);
        int onto = step.get(p + 9);
        if (onto >= 0) {
          int at = onto + row * step.get(p + 10) + column;
          arena.set(at, arena.get(at) + sum);
        }
      }
      c.localBarrier();
    }
  }

  /** Rows of a table in the layout of weights, one thread for a word. */
  static void embed(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray tables,
      IntArray packed,
      FloatArray scales,
      int slot,
      int format) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int words = step.get(p + 5);
    int wordAt = step.get(p + 7);
    int scaleAt = step.get(p + 8);
    int count = step.get(p) * words;
    for (int index = c.globalIdx; index < count; index += c.globalGroupSizeX) {
      int row = index / words;
      int w = index - row * words;
      int id = step.get(step.get(p + 9) + row);
      int tile = id >> 5;
      int lane = id & 31;
      int together = step.get(p + 6);
      int group = w / together * together;
      int wordOf = (tile * step.get(p + 10) + group) * 32 + lane * together + w - group;
      int elements = 1;
      int blockWords = 1;
      if (format == DeviceFormat.Q8) {
        elements = 4;
        blockWords = 8;
      } else if (format == DeviceFormat.Q4) {
        elements = 8;
        blockWords = 4;
      } else if (format != DeviceFormat.F32) {
        elements = 2;
      }
      int blocks = words / blockWords;
      int v = 0;
      float scale = 1f;
      if (format != DeviceFormat.F32) {
        v = packed.get(wordAt + wordOf);
      }
      if (format == DeviceFormat.Q8 || format == DeviceFormat.Q4) {
        scale = scales.get(scaleAt + (tile * blocks + w / blockWords) * 32 + lane);
      }
      int out = step.get(p + 3) + row * step.get(p + 4) + w * elements;
      for (int i = 0; i < elements; i++) {
        float weight;
        if (format == DeviceFormat.F32) {
          weight = scales.get(wordAt + wordOf);
        } else if (format == DeviceFormat.Q8) {
          weight = ((v << (24 - 8 * i)) >> 24) * scale;
        } else if (format == DeviceFormat.Q4) {
          weight = (((v >> (4 * i)) & 15) - 8) * scale;
        } else if (format == DeviceFormat.F16) {
          int half = v >> (16 * i);
          int exponent = (half >> 10) & 31;
          int mantissa = half & 1023;
          mantissa = exponent > 0 ? mantissa + 1024 : mantissa;
          weight = mantissa * tables.get(DeviceFormat.F16_POWERS + exponent);
          weight = (half & 32768) != 0 ? -weight : weight;
        } else {
          int half = v >> (16 * i);
          int exponent = (half >> 7) & 255;
          int mantissa = half & 127;
          mantissa = exponent > 0 ? mantissa + 128 : mantissa;
          weight = mantissa * tables.get(DeviceFormat.BF16_POWERS + exponent);
          weight = (half & 32768) != 0 ? -weight : weight;
        }
        arena.set(out + i, weight);
      }
    }
  }
}
