package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code of products on tensor cores: f16 times f16, summed in f32. Weights stay exact: Q8_0
 * and Q4_0 have at most 19 bits (an integer times an f16 scale), which are two f16, a high and a
 * low part, multiplied one after the other. Activations are rounded to f16 after a power of two of
 * their row has brought the greatest of them to between 8,192 and 16,384.
 *
 * <p>One warp has a tile of {@value MatmulKernels#LANES} output rows and {@value #TOKENS} tokens,
 * 16 elements of the inner dimension at a time, in order. A token's sums do not depend on the other
 * columns of its tile, and there is no other kernel for other numbers of tokens, so that a token
 * has the same bits in any batch. The inner dimension is cut into as many slices as {@link #slices}
 * says, by the matrix alone.
 */
final class TensorKernels {
  /** Threads of a work group: a warp. */
  static final int GROUP = 32;

  /** Threads of the row kernels. */
  static final int ROW_GROUP = 128;

  /** Tokens of a tile. */
  static final int TOKENS = 8;

  /** Outputs from which on a matrix has enough tiles to keep a device busy. */
  private static final int MANY_OUTPUTS = 8192;

  private TensorKernels() {}

  /** Slices of the inner dimension, summed up side by side, by the matrix' rows. */
  static int slices(int outputs) {
    return outputs >= MANY_OUTPUTS ? 1 : 8;
  }

  /** Whether weights of a format are multiplied here. */
  static boolean takes(DeviceFormat format) {
    return format == DeviceFormat.WORDS_F16
        || format == DeviceFormat.WORDS_Q8_0
        || format == DeviceFormat.WORDS_Q4_0;
  }

  /** The power of two of each row, and its inverse: two numbers a row. */
  static void rowPowers(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray tables,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int columns = step.get(p + 5);
    float[] greatest = c.allocateFloatLocalArray(128);
    int items = step.get(p + Kernel.GROUPS_X) * step.get(p + Kernel.GROUPS_Y);
    for (int row = c.groupIdx; row < items; row += c.globalGroupSizeX >> 7) {
      int x = step.get(p + 1) + row * step.get(p + 2);
      float most = 0f;
      for (int i = thread; i < columns; i += 128) {
        most = TornadoMath.max(most, TornadoMath.abs(arena.get(x + i)));
      }
      greatest[thread] = most;
      c.localBarrier();
      for (int s = 64; s > 0; s >>= 1) {
        if (thread < s) {
          greatest[thread] = TornadoMath.max(greatest[thread], greatest[thread + s]);
        }
        c.localBarrier();
      }
      if (thread == 0) {
        float of = greatest[0];
        int e = 0;
        for (int bit = 128; bit > 0; bit >>= 1) {
          e = of >= tables.get(DeviceFormat.BF16_POWERS + e + bit) ? e + bit : e;
        }
        // Entry e is 2^(e - 134): the power is 2^(147 - e). Rows below 2^-107 stay smaller.
        e = TornadoMath.max(e, 27);
        int out = step.get(p + 3) + row * 2;
        arena.set(out, tables.get(DeviceFormat.BF16_POWERS + 281 - e));
        arena.set(out + 1, tables.get(DeviceFormat.BF16_POWERS + e - 13));
      }
      c.localBarrier();
    }
  }

  /** Sums of a slice, {@code [slice][output][token]}, of activations times their power of two. */
  static void product(
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
    int lane = c.localIdx;
    int rows = step.get(p);
    int words = step.get(p + 5);
    int columns = step.get(p + 6);
    int wordAt = step.get(p + 7);
    int scaleAt = step.get(p + 8);
    int slices = step.get(p + 9);
    int powers = step.get(p + 10);
    int padded = step.get(p + 11);
    int steps = (columns + 15) / 16;
    int each = (steps + slices - 1) / slices;
    int stepWords = 8;
    int blocks = columns / 32;
    if (format == DeviceFormat.Q8) {
      stepWords = 4;
    } else if (format == DeviceFormat.Q4) {
      stepWords = 2;
    }
    int[] high = c.allocateIntLocalArray(256);
    int[] low = c.allocateIntLocalArray(256);
    int[] tokens = c.allocateIntLocalArray(64);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 5) {
      int y = item / groupsX;
      int tile = (item - y * groupsX) / slices;
      int slice = item - y * groupsX - tile * slices;
      int first = y * 8;
      int from = slice * each;
      int to = TornadoMath.min(from + each, steps);
      float[] upper = c.mmaFragment(0f);
      float[] lower = c.mmaFragment(0f);
      for (int s = from; s < to; s++) {
        float scale = 1f;
        float unit = 1f;
        float inverse = 1f;
        if (format != DeviceFormat.F16) {
          scale = scales.get(scaleAt + (tile * blocks + s / 2) * 32 + lane);
          int e = 0;
          for (int bit = 128; bit > 0; bit >>= 1) {
            e =
                TornadoMath.abs(scale) >= tables.get(DeviceFormat.BF16_POWERS + e + bit)
                    ? e + bit
                    : e;
          }
          // The last of an f16's 11 bits, 2^-24 at least, times 256: what the high part counts in.
          e = TornadoMath.min(TornadoMath.max(e - 2, 118), 254);
          unit = tables.get(DeviceFormat.BF16_POWERS + e);
          inverse = tables.get(DeviceFormat.BF16_POWERS + 268 - e);
        }
        for (int w = 0; w < stepWords; w++) {
          int word = s * stepWords + w;
          int v = word < words ? packed.get(wordAt + (tile * words + word) * 32 + lane) : 0;
          if (format == DeviceFormat.F16) {
            high[lane * 8 + w] = v;
          } else if (format == DeviceFormat.Q8) {
            for (int i = 0; i < 2; i++) {
              float a = ((v << (24 - 16 * i)) >> 24) * scale;
              float b = ((v << (16 - 16 * i)) >> 24) * scale;
              int ta = (int) (a * inverse);
              int tb = (int) (b * inverse);
              HalfFloat ha = new HalfFloat(ta * unit);
              HalfFloat hb = new HalfFloat(tb * unit);
              HalfFloat la = new HalfFloat(a - ta * unit);
              HalfFloat lb = new HalfFloat(b - tb * unit);
              int at = lane * 8 + w * 2 + i;
              high[at] =
                  (ha.getHalfFloatValue() & 0xffff) | ((hb.getHalfFloatValue() & 0xffff) << 16);
              low[at] =
                  (la.getHalfFloatValue() & 0xffff) | ((lb.getHalfFloatValue() & 0xffff) << 16);
            }
          } else {
            for (int i = 0; i < 4; i++) {
              float a = (((v >> (8 * i)) & 15) - 8) * scale;
              float b = (((v >> (8 * i + 4)) & 15) - 8) * scale;
              int ta = (int) (a * inverse);
              int tb = (int) (b * inverse);
              HalfFloat ha = new HalfFloat(ta * unit);
              HalfFloat hb = new HalfFloat(tb * unit);
              HalfFloat la = new HalfFloat(a - ta * unit);
              HalfFloat lb = new HalfFloat(b - tb * unit);
              int at = lane * 8 + w * 4 + i;
              high[at] =
                  (ha.getHalfFloatValue() & 0xffff) | ((hb.getHalfFloatValue() & 0xffff) << 16);
              low[at] =
                  (la.getHalfFloatValue() & 0xffff) | ((lb.getHalfFloatValue() & 0xffff) << 16);
            }
          }
        }
        for (int i = lane; i < 64; i += 32) {
          int k = s * 16 + i / 4;
          int ra = TornadoMath.min(first + (i & 3) * 2, rows - 1);
          int rb = TornadoMath.min(first + (i & 3) * 2 + 1, rows - 1);
          float a = 0f;
          float b = 0f;
          if (k < columns) {
            a = arena.get(step.get(p + 1) + ra * step.get(p + 2) + k) * arena.get(powers + ra * 2);
            b = arena.get(step.get(p + 1) + rb * step.get(p + 2) + k) * arena.get(powers + rb * 2);
          }
          HalfFloat ha = new HalfFloat(a);
          HalfFloat hb = new HalfFloat(b);
          tokens[i] = (ha.getHalfFloatValue() & 0xffff) | ((hb.getHalfFloatValue() & 0xffff) << 16);
        }
        c.localBarrier();
        HalfFloat[] x = c.mmaLoadB(tokens, 16);
        HalfFloat[] highUpper = c.mmaLoadA(high, 16);
        HalfFloat[] highLower = c.mmaLoadA(high, 16, 512);
        upper = c.mma(highUpper, x, upper, MMAShape.M16N8K16);
        lower = c.mma(highLower, x, lower, MMAShape.M16N8K16);
        if (format != DeviceFormat.F16) {
          HalfFloat[] lowUpper = c.mmaLoadA(low, 16);
          HalfFloat[] lowLower = c.mmaLoadA(low, 16, 512);
          upper = c.mma(lowUpper, x, upper, MMAShape.M16N8K16);
          lower = c.mma(lowLower, x, lower, MMAShape.M16N8K16);
        }
        c.localBarrier();
      }
      int tiles = step.get(p + 12);
      int output = (slice * tiles + tile) * 32;
      int column = step.get(p + 3) + first;
      c.mmaStore(upper, arena, output, column, padded);
      c.mmaStore(lower, arena, output + 16, column, padded);
    }
  }

  /** Adds the slices in order and takes the row's power of two away. */
  static void addSlices(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int outputs = step.get(p + 5);
    int count = step.get(p) * outputs;
    for (int index = c.globalIdx; index < count; index += c.globalGroupSizeX) {
      int row = index / outputs;
      int output = index - row * outputs;
      int padded = step.get(p + 2);
      int at = step.get(p + 1) + output * padded + row;
      int slices = step.get(p + 6);
      int apart = step.get(p + 7) * 32 * padded;
      float sum = arena.get(at);
      for (int s = 1; s < slices; s++) {
        sum += arena.get(at + s * apart);
      }
      arena.set(
          step.get(p + 3) + row * step.get(p + 4) + output,
          sum * arena.get(step.get(p + 8) + row * 2 + 1));
    }
  }
}
