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
 * <p>{@link #few} and {@link #many}, by the number of tokens, multiply: a work group has {@value
 * #ROWS} output rows and {@value #FEW_TOKENS} or {@value #MANY_TOKENS} tokens, and while it
 * multiplies a piece of the inner dimension, the next one is on its way to its other buffer. For
 * many tokens {@link #toHalves} rounds them once, few are rounded by each work group. {@link
 * #addSlices} adds what the slices of the inner dimension came to.
 *
 * <p>An output is summed over the inner dimension in order, {@value #STEP} elements an instruction,
 * in as many slices as {@link #slices} says, by the matrix alone, and then over the slices in
 * order. So a token has the same bits in any batch, whichever kernel it is in.
 *
 * <p>Weights lie in tiles of {@value MatmulKernels#LANES} output rows, in steps of {@value #STEP}
 * elements ({@code [tile][step][row][word]}), as a warp copies them to local memory without
 * conflicts.
 *
 * <p>Fragments stay in one loop, and arrays in local memory in the kernel itself: see decision 014
 * for what TornadoVM makes of them elsewhere.
 */
final class TensorKernels {
  /** Threads of a work group that multiplies: four warps, each with a tile of weights to bring. */
  static final int GROUP = 128;

  /** Threads of a work group that looks for powers, or adds. */
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

  /** Puts the power of two of a row and its inverse. */
  static void putPower(FloatArray arena, FloatArray tables, float greatest, int at) {
    int e = 0;
    for (int bit = 128; bit > 0; bit >>= 1) {
      e = greatest >= tables.get(DeviceFormat.BF16_POWERS + e + bit) ? e + bit : e;
    }
    // Entry e is 2^(e - 134): the power is 2^(147 - e). Rows below 2^-107 stay smaller.
    e = TornadoMath.max(e, 27);
    arena.set(at, tables.get(DeviceFormat.BF16_POWERS + 281 - e));
    arena.set(at + 1, tables.get(DeviceFormat.BF16_POWERS + e - 13));
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
    float[] greatest = c.allocateFloatLocalArray(256);
    int items = step.get(p + Kernel.GROUPS_X) * step.get(p + Kernel.GROUPS_Y);
    for (int row = c.groupIdx; row < items; row += c.globalGroupSizeX >> 8) {
      int x = step.get(p + 1) + row * step.get(p + 2);
      float most = 0f;
      for (int i = thread; i < columns; i += 256) {
        most = TornadoMath.max(most, TornadoMath.abs(arena.get(x + i)));
      }
      greatest[thread] = most;
      c.localBarrier();
      for (int s = 128; s > 0; s >>= 1) {
        if (thread < s) {
          greatest[thread] = TornadoMath.max(greatest[thread], greatest[thread + s]);
        }
        c.localBarrier();
      }
      if (thread == 0) {
        putPower(arena, tables, greatest[0], step.get(p + 4) + row * 2);
      }
      c.localBarrier();
    }
  }

  /** Rows, times their powers, as f16: {@code [tokens / 8][columns][8]}. */
  static void toHalves(
      KernelContext c, IntArray base, IntArray step, FloatArray arena, IntArray halves, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int rows = step.get(p);
    int stride = step.get(p + 2);
    int powers = step.get(p + 4);
    int columns = step.get(p + 5);
    int words = step.get(p + 6);
    int count = (rows + 7) / 8 * words;
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      int tile = i / words;
      int word = i - tile * words;
      int token = tile * 8 + (word & 3) * 2;
      int x = step.get(p + 1) + token * stride + (word >> 2);
      float a = 0f;
      float b = 0f;
      if (word >> 2 < columns) {
        if (token < rows) {
          a = arena.get(x) * arena.get(powers + token * 2);
        }
        if (token + 1 < rows) {
          b = arena.get(x + stride) * arena.get(powers + token * 2 + 2);
        }
      }
      halves.set(step.get(p + 3) + i, pair(a, b));
    }
  }

  /**
   * Brings what a thread has of weights to its registers: 8, 4 or 2 words of each step of the inner
   * dimension, and the scales of their rows.
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

  /**
   * Sums of a slice, {@code [slice][output][token]}. A warp has 32 outputs and 32 tokens, and two
   * steps of the inner dimension at a time.
   */
  static void few(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
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
    int rows = step.get(p);
    int stride = step.get(p + 2);
    int powers = step.get(p + 4);
    int columns = step.get(p + 5);
    int[] a = c.allocateIntLocalArray(4096);
    int[] b = c.allocateIntLocalArray(1024);
    int[] words = new int[16];
    int[] decoded = new int[16];
    float[] factors = new float[4];
    float[] x = new float[8];
    float[] by = new float[8];
    // How many words of two f16 a word of weights becomes; words of a tile in a step; the first row
    // of the tile of which this thread has words.
    int spread = 1;
    int stepWords = 256;
    int scaleLane = 0;
    if (format == DeviceFormat.Q8) {
      spread = 2;
      stepWords = 128;
      scaleLane = lane >> 2;
    } else if (format == DeviceFormat.Q4) {
      spread = 4;
      stepWords = 64;
      scaleLane = lane >> 1;
    }
    int share = (pairs + slices - 1) / slices;
    int aTo = warp * 256 + lane * spread;
    int bTo = (thread >> 6) * 256 + (thread & 63);
    int k = (thread >> 6) * 16 + ((thread & 63) >> 2);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 7) {
      int y = item / groupsX;
      int firstToken = (item - y * groupsX) * 32;
      int slice = y % slices;
      int tile = y / slices * 4 + warp;
      // A tile beyond the last is brought, as the last, and not stored.
      int held = TornadoMath.min(tile, tiles - 1) * pairs;
      int wordAt = step.get(p + 7) + held * 2 * stepWords + lane;
      int scaleAt = step.get(p + 8) + held * 32 + scaleLane;
      int token = firstToken + (thread & 3) * 2;
      int xAt = step.get(p + 1) + token * stride;
      for (int i = 0; i < 8; i++) {
        int of = token + (i >> 1) * 8 + (i & 1);
        by[i] = arena.get(powers + TornadoMath.min(of, rows - 1) * 2);
      }
      int from = TornadoMath.min(slice * share, pairs);
      int to = TornadoMath.min(from + share, pairs);
      int next = TornadoMath.min(from, pairs - 1);
      load(
          packed,
          scales,
          wordAt + next * 2 * stepWords,
          scaleAt + next * 32,
          2,
          format,
          words,
          factors);
      decode(words, factors, 2, format, decoded);
      for (int i = 0; i < 16; i++) {
        a[aTo + (i >> 3) * 1024 + (i & 7) / spread * spread * 32 + i % spread] = decoded[i];
      }
      // Weights beyond the columns are zeros.
      int column = TornadoMath.min(next * 32 + k, columns - 1);
      for (int i = 0; i < 8; i++) {
        float v = 0f;
        if (token + (i >> 1) * 8 + (i & 1) < rows) {
          v = arena.get(xAt + ((i >> 1) * 8 + (i & 1)) * stride + column);
        }
        x[i] = v * by[i];
      }
      for (int i = 0; i < 4; i++) {
        b[bTo + i * 64] = pair(x[2 * i], x[2 * i + 1]);
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
            wordAt + next * 2 * stepWords,
            scaleAt + next * 32,
            2,
            format,
            words,
            factors);
        column = TornadoMath.min(next * 32 + k, columns - 1);
        for (int i = 0; i < 8; i++) {
          float v = 0f;
          if (token + (i >> 1) * 8 + (i & 1) < rows) {
            v = arena.get(xAt + ((i >> 1) * 8 + (i & 1)) * stride + column);
          }
          x[i] = v;
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
        int aNext = aTo + (1 - buffer) * 2048;
        for (int i = 0; i < 16; i++) {
          a[aNext + (i >> 3) * 1024 + (i & 7) / spread * spread * 32 + i % spread] = decoded[i];
        }
        for (int i = 0; i < 4; i++) {
          b[bTo + (1 - buffer) * 512 + i * 64] =
              pair(x[2 * i] * by[2 * i], x[2 * i + 1] * by[2 * i + 1]);
        }
        c.localBarrier();
      }
      if (tile < tiles) {
        int row = (slice * tiles + tile) * 32;
        column = step.get(p + 3) + firstToken;
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
  }

  /** The same of rows that {@link #toHalves} made. A warp has 64 outputs and 64 tokens. */
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
    // As in few.
    int spread = 1;
    int stepWords = 256;
    int scaleLane = 0;
    if (format == DeviceFormat.Q8) {
      spread = 2;
      stepWords = 128;
      scaleLane = lane >> 2;
    } else if (format == DeviceFormat.Q4) {
      spread = 4;
      stepWords = 64;
      scaleLane = lane >> 1;
    }
    int share = (pairs + slices - 1) / slices;
    int aTo = warp * 256 + lane * spread;
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 7) {
      int y = item / groupsX;
      int block = item - y * groupsX;
      int slice = y % slices;
      int firstTile = y / slices * 4;
      int held = TornadoMath.min(firstTile + warp, tiles - 1) * pairs;
      int wordAt = step.get(p + 7) + held * 2 * stepWords + lane;
      int scaleAt = step.get(p + 8) + held * 32 + scaleLane;
      int xAt = step.get(p + 1) + (block * 16 + (thread >> 6)) * pairs * 128 + (thread & 63);
      int from = TornadoMath.min(slice * share, pairs) * 2;
      int to = TornadoMath.min(from + share * 2, pairs * 2);
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
        a[aTo + i / spread * spread * 32 + i % spread] = decoded[i];
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
        int aNext = aTo + (1 - buffer) * 1024;
        for (int i = 0; i < 8; i++) {
          a[aNext + i / spread * spread * 32 + i % spread] = decoded[i];
        }
        for (int i = 0; i < 8; i++) {
          b[thread + (1 - buffer) * 1024 + i * 128] = x[i];
        }
        c.localBarrier();
      }
      int tile = firstTile + (warp & 1) * 2;
      int row = (slice * tiles + tile) * 32;
      int column = step.get(p + 3) + block * 128 + (warp >> 1) * 64;
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
    int outputs = step.get(p + 6);
    int apart = step.get(p + 7) * 32 * padded;
    int onto = step.get(p + 9);
    float[] sums = c.allocateFloatLocalArray(1056);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 8) {
      int y = item / groupsX;
      int tile = item - y * groupsX;
      int from = step.get(p + 1) + tile * 32 * padded + y * 32 + lane;
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
        int row = y * 32 + warp + i * 8;
        if (row < step.get(p)) {
          if (column < outputs) {
            float inverse = arena.get(step.get(p + 8) + row * 2 + 1);
            float sum = sums[lane * 33 + warp + i * 8] * inverse;
            arena.set(step.get(p + 3) + row * step.get(p + 4) + column, sum);
            if (onto >= 0) {
              int at = onto + row * step.get(p + 10) + column;
              arena.set(at, arena.get(at) + sum);
            }
          }
        }
      }
      c.localBarrier();
    }
  }
}
