package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code of products on tensor cores (m16n8k16: f16 times f16, summed in f32). Both inputs are
 * rounded to f16: weights as they are, activations after a power of two of their row has brought
 * the greatest of them to between 8,192 and 16,384, so that none overflows and what becomes
 * subnormal does not count.
 *
 * <p>A product is three kernels. {@link #toHalves} rounds activations and lays them out as the
 * tensor cores take them. {@link #few} or {@link #many}, by the number of tokens, multiply: a work
 * group has {@value #ROWS} output rows and {@value #FEW_TOKENS} or {@value #MANY_TOKENS} tokens,
 * and while it multiplies {@value #STEP} or twice as many elements of the inner dimension, the next
 * ones are on their way to its other buffer. {@link #addSlices} adds what the slices of the inner
 * dimension came to.
 *
 * <p>An output is summed over the inner dimension in order, 16 elements an instruction, in as many
 * slices as {@link #slices} says, by the matrix alone, and then over the slices in order. So a
 * token has the same bits in any batch, whichever kernel it is in.
 *
 * <p>Weights lie in tiles of {@value MatmulKernels#LANES} output rows, in steps of {@value #STEP}
 * elements ({@code [tile][step][row][word]}), as a warp copies them to local memory without
 * conflicts.
 */
final class TensorKernels {
  /** Threads of a work group that multiplies: four warps, each with a tile of weights to bring. */
  static final int GROUP = 128;

  /** Threads of a work group that rounds or adds. */
  static final int WIDE_GROUP = 256;

  /** Output rows of a work group. */
  static final int ROWS = 128;

  static final int FEW_TOKENS = 32;
  static final int MANY_TOKENS = 128;

  /** Tokens that lie together, as an instruction takes them. */
  static final int TOKENS = 8;

  /** Elements of the inner dimension that an instruction multiplies. */
  static final int STEP = 16;

  /** What the inner dimension is filled up to a multiple of. */
  static final int PADDING = 2 * STEP;

  /** Work groups that a matrix is cut into slices for. */
  private static final int BUSY = 256;

  private static final int MOST_SLICES = 8;

  private TensorKernels() {}

  /** Slices of the inner dimension, summed up side by side, by the matrix alone. */
  static int slices(int outputs, int inputs) {
    int groups = Math.ceilDiv(outputs, ROWS);
    int steps = Math.ceilDiv(inputs, PADDING);
    int slices = 1;
    while (slices < MOST_SLICES && slices * groups < BUSY && slices * 4 <= steps) {
      slices *= 2;
    }
    return slices;
  }

  /** Whether weights of a format are multiplied here. */
  static boolean takes(DeviceFormat format) {
    return format == DeviceFormat.WORDS_F16
        || format == DeviceFormat.WORDS_Q8_0
        || format == DeviceFormat.WORDS_Q4_0;
  }

  /** Two f16 in a word. */
  private static int pair(float first, float second) {
    HalfFloat a = new HalfFloat(first);
    HalfFloat b = new HalfFloat(second);
    return (a.getHalfFloatValue() & 0xffff) | ((b.getHalfFloatValue() & 0xffff) << 16);
  }

  /**
   * Rows as f16, {@code [tokens / 8][columns][8]}, and the power of two of each row and its
   * inverse. A work group has eight rows.
   */
  static void toHalves(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray tables,
      IntArray halves,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int rows = step.get(p);
    int stride = step.get(p + 2);
    int columns = step.get(p + 5);
    int words = step.get(p + 6) * 4;
    float[] greatest = c.allocateFloatLocalArray(256);
    float[] power = c.allocateFloatLocalArray(8);
    int warp = thread >> 5;
    int lane = thread & 31;
    int first = c.groupIdx * 8;
    int x = step.get(p + 1) + first * stride;
    float most = 0f;
    if (first + warp < rows) {
      for (int i = lane; i < columns; i += 32) {
        most = TornadoMath.max(most, TornadoMath.abs(arena.get(x + warp * stride + i)));
      }
    }
    greatest[thread] = most;
    c.localBarrier();
    for (int s = 16; s > 0; s >>= 1) {
      if (lane < s) {
        greatest[thread] = TornadoMath.max(greatest[thread], greatest[thread + s]);
      }
      c.localBarrier();
    }
    if (lane == 0) {
      float of = greatest[thread];
      int e = 0;
      for (int bit = 128; bit > 0; bit >>= 1) {
        e = of >= tables.get(DeviceFormat.BF16_POWERS + e + bit) ? e + bit : e;
      }
      // Entry e is 2^(e - 134): the power is 2^(147 - e). Rows below 2^-107 stay smaller.
      e = TornadoMath.max(e, 27);
      float by = tables.get(DeviceFormat.BF16_POWERS + 281 - e);
      power[warp] = by;
      if (first + warp < rows) {
        int at = step.get(p + 3) + (first + warp) * 2;
        arena.set(at, by);
        arena.set(at + 1, tables.get(DeviceFormat.BF16_POWERS + e - 13));
      }
    }
    c.localBarrier();
    int to = step.get(p + 7) + c.groupIdx * words;
    for (int i = thread; i < words; i += 256) {
      int k = i >> 2;
      int token = (i & 3) * 2;
      float a = 0f;
      float b = 0f;
      if (k < columns) {
        int from = x + token * stride + k;
        if (first + token < rows) {
          a = arena.get(from) * power[token];
        }
        if (first + token + 1 < rows) {
          b = arena.get(from + stride) * power[token + 1];
        }
      }
      halves.set(to + i, pair(a, b));
    }
  }

  /**
   * Brings what a thread has of weights to its registers: 16, 8 or 4 words of two steps of the
   * inner dimension, half of that of one, and the scales of their rows.
   */
  private static void load(
      IntArray packed,
      FloatArray scales,
      int wordAt,
      int scaleAt,
      int steps,
      int format,
      int[] words,
      float[] factors) {
    if (format == DeviceFormat.F16) {
      for (int i = 0; i < 8 * steps; i++) {
        words[i] = packed.get(wordAt + i * 32);
      }
    } else if (format == DeviceFormat.Q8) {
      for (int i = 0; i < 4 * steps; i++) {
        words[i] = packed.get(wordAt + i * 32);
      }
      for (int i = 0; i < 4; i++) {
        factors[i] = scales.get(scaleAt + i * 8);
      }
    } else {
      for (int i = 0; i < 2 * steps; i++) {
        words[i] = packed.get(wordAt + i * 32);
      }
      for (int i = 0; i < 2; i++) {
        factors[i] = scales.get(scaleAt + i * 16);
      }
    }
  }

  /** Decodes them to f16, two in a word: eight words of each step. */
  private static void decode(int[] words, float[] factors, int steps, int format, int[] halves) {
    for (int i = 0; i < 8 * steps; i++) {
      if (format == DeviceFormat.F16) {
        halves[i] = words[i];
      } else if (format == DeviceFormat.Q8) {
        int word = words[i >> 1] << (16 - 16 * (i & 1));
        float scale = factors[(i >> 1) & 3];
        halves[i] = pair(((word << 8) >> 24) * scale, (word >> 24) * scale);
      } else {
        int two = words[i >> 2] >> (8 * (i & 3));
        float scale = factors[(i >> 2) & 1];
        halves[i] = pair(((two & 15) - 8) * scale, (((two >> 4) & 15) - 8) * scale);
      }
    }
  }

  /** Sums of a slice, {@code [slice][output][token]}, for up to 32 tokens a work group. */
  static void few(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      IntArray halves,
      IntArray packed,
      FloatArray scales,
      int slot,
      int format) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int warp = thread >> 5;
    int lane = thread & 31;
    int slices = step.get(p + 9);
    int pairs = step.get(p + 10);
    int padded = step.get(p + 11);
    int tiles = step.get(p + 12);
    int[] a = c.allocateIntLocalArray(4096);
    int[] b = c.allocateIntLocalArray(1024);
    int[] words = new int[16];
    int[] decoded = new int[16];
    float[] factors = new float[4];
    int[] x = new int[4];
    int tokenBlock = c.groupIdx;
    int slice = c.groupIdy % slices;
    int tile = c.groupIdy / slices * 4 + warp;
    // A tile beyond the last is brought, as the last, and not stored.
    int held = TornadoMath.min(tile, tiles - 1) * pairs;
    int wordAt = step.get(p + 7);
    int scaleAt = step.get(p + 8) + held * 32;
    int pairWords = 512;
    // Words of two f16 that come from one of the weights.
    int spread = 1;
    if (format == DeviceFormat.F16) {
      wordAt += held * 512 + lane;
    } else if (format == DeviceFormat.Q8) {
      pairWords = 256;
      spread = 2;
      wordAt += held * 256 + lane;
      scaleAt += lane >> 2;
    } else {
      pairWords = 128;
      spread = 4;
      wordAt += held * 128 + lane;
      scaleAt += lane >> 1;
    }
    int xAt = step.get(p + 1) + tokenBlock * pairs * 512 + thread;
    int share = (pairs + slices - 1) / slices;
    int from = TornadoMath.min(slice * share, pairs);
    int to = TornadoMath.min(from + share, pairs);
    int aTo = warp * 256 + lane * spread;
    int bTo = (thread >> 6) * 256 + (thread & 63);
    int next = TornadoMath.min(from, pairs - 1);
    load(packed, scales, wordAt + next * pairWords, scaleAt + next * 32, 2, format, words, factors);
    decode(words, factors, 2, format, decoded);
    for (int i = 0; i < 16; i++) {
      a[aTo + (i >> 3) * 1024 + (i & 7) / spread * spread * 32 + i % spread] = decoded[i];
    }
    for (int i = 0; i < 4; i++) {
      b[bTo + i * 64] = halves.get(xAt + i * pairs * 128 + next * 128);
    }
    c.localBarrier();
    float[] d00 = c.mmaFragment(0f);
    float[] d01 = c.mmaFragment(0f);
    float[] d02 = c.mmaFragment(0f);
    float[] d03 = c.mmaFragment(0f);
    float[] d10 = c.mmaFragment(0f);
    float[] d11 = c.mmaFragment(0f);
    float[] d12 = c.mmaFragment(0f);
    float[] d13 = c.mmaFragment(0f);
    for (int s = from; s < to; s++) {
      next = TornadoMath.min(s + 1, to - 1);
      load(
          packed,
          scales,
          wordAt + next * pairWords,
          scaleAt + next * 32,
          2,
          format,
          words,
          factors);
      for (int i = 0; i < 4; i++) {
        x[i] = halves.get(xAt + i * pairs * 128 + next * 128);
      }
      int buffer = (s - from) & 1;
      int aAt = buffer * 8192 + warp * 1024;
      int bAt = buffer * 2048;
      HalfFloat[] w0 = c.mmaLoadA(a, 16, aAt);
      HalfFloat[] w1 = c.mmaLoadA(a, 16, aAt + 512);
      HalfFloat[] x0 = c.mmaLoadB(b, 16, bAt);
      d00 = c.mma(w0, x0, d00, MMAShape.M16N8K16);
      d10 = c.mma(w1, x0, d10, MMAShape.M16N8K16);
      HalfFloat[] x1 = c.mmaLoadB(b, 16, bAt + 256);
      d01 = c.mma(w0, x1, d01, MMAShape.M16N8K16);
      d11 = c.mma(w1, x1, d11, MMAShape.M16N8K16);
      HalfFloat[] x2 = c.mmaLoadB(b, 16, bAt + 512);
      d02 = c.mma(w0, x2, d02, MMAShape.M16N8K16);
      d12 = c.mma(w1, x2, d12, MMAShape.M16N8K16);
      HalfFloat[] x3 = c.mmaLoadB(b, 16, bAt + 768);
      d03 = c.mma(w0, x3, d03, MMAShape.M16N8K16);
      d13 = c.mma(w1, x3, d13, MMAShape.M16N8K16);
      HalfFloat[] w0n = c.mmaLoadA(a, 16, aAt + 4096);
      HalfFloat[] w1n = c.mmaLoadA(a, 16, aAt + 4608);
      HalfFloat[] x0n = c.mmaLoadB(b, 16, bAt + 1024);
      d00 = c.mma(w0n, x0n, d00, MMAShape.M16N8K16);
      d10 = c.mma(w1n, x0n, d10, MMAShape.M16N8K16);
      HalfFloat[] x1n = c.mmaLoadB(b, 16, bAt + 1280);
      d01 = c.mma(w0n, x1n, d01, MMAShape.M16N8K16);
      d11 = c.mma(w1n, x1n, d11, MMAShape.M16N8K16);
      HalfFloat[] x2n = c.mmaLoadB(b, 16, bAt + 1536);
      d02 = c.mma(w0n, x2n, d02, MMAShape.M16N8K16);
      d12 = c.mma(w1n, x2n, d12, MMAShape.M16N8K16);
      HalfFloat[] x3n = c.mmaLoadB(b, 16, bAt + 1792);
      d03 = c.mma(w0n, x3n, d03, MMAShape.M16N8K16);
      d13 = c.mma(w1n, x3n, d13, MMAShape.M16N8K16);
      decode(words, factors, 2, format, decoded);
      for (int i = 0; i < 16; i++) {
        a[
                aTo
                    + (1 - buffer) * 2048
                    + (i >> 3) * 1024
                    + (i & 7) / spread * spread * 32
                    + i % spread] =
            decoded[i];
      }
      for (int i = 0; i < 4; i++) {
        b[bTo + (1 - buffer) * 512 + i * 64] = x[i];
      }
      c.localBarrier();
    }
    if (tile < tiles) {
      int row = (slice * tiles + tile) * 32;
      int column = step.get(p + 3) + tokenBlock * 32;
      c.mmaStore(d00, arena, row, column, padded);
      c.mmaStore(d01, arena, row, column + 8, padded);
      c.mmaStore(d02, arena, row, column + 16, padded);
      c.mmaStore(d03, arena, row, column + 24, padded);
      c.mmaStore(d10, arena, row + 16, column, padded);
      c.mmaStore(d11, arena, row + 16, column + 8, padded);
      c.mmaStore(d12, arena, row + 16, column + 16, padded);
      c.mmaStore(d13, arena, row + 16, column + 24, padded);
    }
  }

  /** The same for up to 128 tokens a work group. A warp has 64 outputs and 64 tokens. */
  static void many(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      IntArray halves,
      IntArray packed,
      FloatArray scales,
      int slot,
      int format) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int warp = thread >> 5;
    int lane = thread & 31;
    int slices = step.get(p + 9);
    int pairs = step.get(p + 10);
    int padded = step.get(p + 11);
    int tiles = step.get(p + 12);
    int[] a = c.allocateIntLocalArray(2048);
    int[] b = c.allocateIntLocalArray(2048);
    int[] words = new int[8];
    int[] decoded = new int[8];
    float[] factors = new float[4];
    int[] x = new int[8];
    int tokenBlock = c.groupIdx;
    int slice = c.groupIdy % slices;
    int firstTile = c.groupIdy / slices * 4;
    int held = TornadoMath.min(firstTile + warp, tiles - 1) * pairs;
    int wordAt = step.get(p + 7);
    int scaleAt = step.get(p + 8) + held * 32;
    int stepWords = 256;
    int spread = 1;
    if (format == DeviceFormat.F16) {
      wordAt += held * 512 + lane;
    } else if (format == DeviceFormat.Q8) {
      stepWords = 128;
      spread = 2;
      wordAt += held * 256 + lane;
      scaleAt += lane >> 2;
    } else {
      stepWords = 64;
      spread = 4;
      wordAt += held * 128 + lane;
      scaleAt += lane >> 1;
    }
    int xAt = step.get(p + 1) + (tokenBlock * 16 + (thread >> 6)) * pairs * 128 + (thread & 63);
    int share = (pairs + slices - 1) / slices;
    int from = TornadoMath.min(slice * share, pairs) * 2;
    int to = TornadoMath.min(from + share * 2, pairs * 2);
    int aTo = warp * 256 + lane * spread;
    int next = TornadoMath.min(from, pairs * 2 - 1);
    load(
        packed,
        scales,
        wordAt + next * stepWords,
        scaleAt + (next >> 1) * 32,
        1,
        format,
        words,
        factors);
    decode(words, factors, 1, format, decoded);
    for (int i = 0; i < 8; i++) {
      a[aTo + (i & 7) / spread * spread * 32 + i % spread] = decoded[i];
    }
    for (int i = 0; i < 8; i++) {
      b[thread + i * 128] = halves.get(xAt + i * pairs * 256 + next * 64);
    }
    c.localBarrier();
    float[] d00 = c.mmaFragment(0f);
    float[] d01 = c.mmaFragment(0f);
    float[] d02 = c.mmaFragment(0f);
    float[] d03 = c.mmaFragment(0f);
    float[] d04 = c.mmaFragment(0f);
    float[] d05 = c.mmaFragment(0f);
    float[] d06 = c.mmaFragment(0f);
    float[] d07 = c.mmaFragment(0f);
    float[] d10 = c.mmaFragment(0f);
    float[] d11 = c.mmaFragment(0f);
    float[] d12 = c.mmaFragment(0f);
    float[] d13 = c.mmaFragment(0f);
    float[] d14 = c.mmaFragment(0f);
    float[] d15 = c.mmaFragment(0f);
    float[] d16 = c.mmaFragment(0f);
    float[] d17 = c.mmaFragment(0f);
    float[] d20 = c.mmaFragment(0f);
    float[] d21 = c.mmaFragment(0f);
    float[] d22 = c.mmaFragment(0f);
    float[] d23 = c.mmaFragment(0f);
    float[] d24 = c.mmaFragment(0f);
    float[] d25 = c.mmaFragment(0f);
    float[] d26 = c.mmaFragment(0f);
    float[] d27 = c.mmaFragment(0f);
    float[] d30 = c.mmaFragment(0f);
    float[] d31 = c.mmaFragment(0f);
    float[] d32 = c.mmaFragment(0f);
    float[] d33 = c.mmaFragment(0f);
    float[] d34 = c.mmaFragment(0f);
    float[] d35 = c.mmaFragment(0f);
    float[] d36 = c.mmaFragment(0f);
    float[] d37 = c.mmaFragment(0f);
    for (int s = from; s < to; s++) {
      next = TornadoMath.min(s + 1, to - 1);
      load(
          packed,
          scales,
          wordAt + next * stepWords,
          scaleAt + (next >> 1) * 32,
          1,
          format,
          words,
          factors);
      for (int i = 0; i < 8; i++) {
        x[i] = halves.get(xAt + i * pairs * 256 + next * 64);
      }
      int buffer = s & 1;
      int aAt = buffer * 4096 + (warp & 1) * 2048;
      int bAt = buffer * 4096 + (warp >> 1) * 2048;
      HalfFloat[] w0 = c.mmaLoadA(a, 16, aAt);
      HalfFloat[] w1 = c.mmaLoadA(a, 16, aAt + 512);
      HalfFloat[] w2 = c.mmaLoadA(a, 16, aAt + 1024);
      HalfFloat[] w3 = c.mmaLoadA(a, 16, aAt + 1536);
      HalfFloat[] x0 = c.mmaLoadB(b, 16, bAt);
      d00 = c.mma(w0, x0, d00, MMAShape.M16N8K16);
      d10 = c.mma(w1, x0, d10, MMAShape.M16N8K16);
      d20 = c.mma(w2, x0, d20, MMAShape.M16N8K16);
      d30 = c.mma(w3, x0, d30, MMAShape.M16N8K16);
      HalfFloat[] x1 = c.mmaLoadB(b, 16, bAt + 256);
      d01 = c.mma(w0, x1, d01, MMAShape.M16N8K16);
      d11 = c.mma(w1, x1, d11, MMAShape.M16N8K16);
      d21 = c.mma(w2, x1, d21, MMAShape.M16N8K16);
      d31 = c.mma(w3, x1, d31, MMAShape.M16N8K16);
      HalfFloat[] x2 = c.mmaLoadB(b, 16, bAt + 512);
      d02 = c.mma(w0, x2, d02, MMAShape.M16N8K16);
      d12 = c.mma(w1, x2, d12, MMAShape.M16N8K16);
      d22 = c.mma(w2, x2, d22, MMAShape.M16N8K16);
      d32 = c.mma(w3, x2, d32, MMAShape.M16N8K16);
      HalfFloat[] x3 = c.mmaLoadB(b, 16, bAt + 768);
      d03 = c.mma(w0, x3, d03, MMAShape.M16N8K16);
      d13 = c.mma(w1, x3, d13, MMAShape.M16N8K16);
      d23 = c.mma(w2, x3, d23, MMAShape.M16N8K16);
      d33 = c.mma(w3, x3, d33, MMAShape.M16N8K16);
      HalfFloat[] x4 = c.mmaLoadB(b, 16, bAt + 1024);
      d04 = c.mma(w0, x4, d04, MMAShape.M16N8K16);
      d14 = c.mma(w1, x4, d14, MMAShape.M16N8K16);
      d24 = c.mma(w2, x4, d24, MMAShape.M16N8K16);
      d34 = c.mma(w3, x4, d34, MMAShape.M16N8K16);
      HalfFloat[] x5 = c.mmaLoadB(b, 16, bAt + 1280);
      d05 = c.mma(w0, x5, d05, MMAShape.M16N8K16);
      d15 = c.mma(w1, x5, d15, MMAShape.M16N8K16);
      d25 = c.mma(w2, x5, d25, MMAShape.M16N8K16);
      d35 = c.mma(w3, x5, d35, MMAShape.M16N8K16);
      HalfFloat[] x6 = c.mmaLoadB(b, 16, bAt + 1536);
      d06 = c.mma(w0, x6, d06, MMAShape.M16N8K16);
      d16 = c.mma(w1, x6, d16, MMAShape.M16N8K16);
      d26 = c.mma(w2, x6, d26, MMAShape.M16N8K16);
      d36 = c.mma(w3, x6, d36, MMAShape.M16N8K16);
      HalfFloat[] x7 = c.mmaLoadB(b, 16, bAt + 1792);
      d07 = c.mma(w0, x7, d07, MMAShape.M16N8K16);
      d17 = c.mma(w1, x7, d17, MMAShape.M16N8K16);
      d27 = c.mma(w2, x7, d27, MMAShape.M16N8K16);
      d37 = c.mma(w3, x7, d37, MMAShape.M16N8K16);
      decode(words, factors, 1, format, decoded);
      for (int i = 0; i < 8; i++) {
        a[aTo + (1 - buffer) * 1024 + (i & 7) / spread * spread * 32 + i % spread] = decoded[i];
      }
      for (int i = 0; i < 8; i++) {
        b[thread + (1 - buffer) * 1024 + i * 128] = x[i];
      }
      c.localBarrier();
    }
    int tile = firstTile + (warp & 1) * 2;
    int row = (slice * tiles + tile) * 32;
    int column = step.get(p + 3) + tokenBlock * 128 + (warp >> 1) * 64;
    if (tile < tiles) {
      c.mmaStore(d00, arena, row, column, padded);
      c.mmaStore(d01, arena, row, column + 8, padded);
      c.mmaStore(d02, arena, row, column + 16, padded);
      c.mmaStore(d03, arena, row, column + 24, padded);
      c.mmaStore(d04, arena, row, column + 32, padded);
      c.mmaStore(d05, arena, row, column + 40, padded);
      c.mmaStore(d06, arena, row, column + 48, padded);
      c.mmaStore(d07, arena, row, column + 56, padded);
      c.mmaStore(d10, arena, row + 16, column, padded);
      c.mmaStore(d11, arena, row + 16, column + 8, padded);
      c.mmaStore(d12, arena, row + 16, column + 16, padded);
      c.mmaStore(d13, arena, row + 16, column + 24, padded);
      c.mmaStore(d14, arena, row + 16, column + 32, padded);
      c.mmaStore(d15, arena, row + 16, column + 40, padded);
      c.mmaStore(d16, arena, row + 16, column + 48, padded);
      c.mmaStore(d17, arena, row + 16, column + 56, padded);
    }
    if (tile + 1 < tiles) {
      c.mmaStore(d20, arena, row + 32, column, padded);
      c.mmaStore(d21, arena, row + 32, column + 8, padded);
      c.mmaStore(d22, arena, row + 32, column + 16, padded);
      c.mmaStore(d23, arena, row + 32, column + 24, padded);
      c.mmaStore(d24, arena, row + 32, column + 32, padded);
      c.mmaStore(d25, arena, row + 32, column + 40, padded);
      c.mmaStore(d26, arena, row + 32, column + 48, padded);
      c.mmaStore(d27, arena, row + 32, column + 56, padded);
      c.mmaStore(d30, arena, row + 48, column, padded);
      c.mmaStore(d31, arena, row + 48, column + 8, padded);
      c.mmaStore(d32, arena, row + 48, column + 16, padded);
      c.mmaStore(d33, arena, row + 48, column + 24, padded);
      c.mmaStore(d34, arena, row + 48, column + 32, padded);
      c.mmaStore(d35, arena, row + 48, column + 40, padded);
      c.mmaStore(d36, arena, row + 48, column + 48, padded);
      c.mmaStore(d37, arena, row + 48, column + 56, padded);
    }
  }

  /**
   * Adds the slices in order, takes the row's power of two away, and adds to other activations what
   * is to be added to them. A work group has 32 outputs of 32 tokens, which it turns around.
   */
  static void addSlices(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int lane = thread & 31;
    int warp = thread >> 5;
    int padded = step.get(p + 2);
    int slices = step.get(p + 5);
    int apart = step.get(p + 7) * 32 * padded;
    float[] sums = c.allocateFloatLocalArray(1056);
    int tile = c.groupIdx;
    int firstToken = c.groupIdy * 32;
    int from = step.get(p + 1) + tile * 32 * padded + firstToken + lane;
    for (int i = 0; i < 4; i++) {
      int output = warp + i * 8;
      int at = from + output * padded;
      float sum = arena.get(at);
      for (int s = 1; s < slices; s++) {
        sum += arena.get(at + s * apart);
      }
      sums[output * 33 + lane] = sum;
    }
    c.localBarrier();
    int column = tile * 32 + lane;
    for (int i = 0; i < 4; i++) {
      int token = warp + i * 8;
      int row = firstToken + token;
      if (row < step.get(p)) {
        if (column < step.get(p + 6)) {
          float sum = sums[lane * 33 + token] * arena.get(step.get(p + 8) + row * 2 + 1);
          arena.set(step.get(p + 3) + row * step.get(p + 4) + column, sum);
          int onto = step.get(p + 9);
          if (onto >= 0) {
            int at = onto + row * step.get(p + 10) + column;
            arena.set(at, arena.get(at) + sum);
          }
        }
      }
    }
  }
}
