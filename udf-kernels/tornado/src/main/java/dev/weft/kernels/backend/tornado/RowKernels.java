package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code of operations on rows of activations. What changes from call to call is in {@code
 * step}, from {@code base[0] + PARAMETERS slot} on: see {@link Kernel} for the order. One thread
 * computes one element, unless a row has to be summed up: then one work group has one row, and sums
 * in an order that depends on its width only.
 *
 * <p>Written for what TornadoVM compiles well: no calls, no early returns, no unsigned shifts.
 */
final class RowKernels {
  /** Threads of a work group. */
  static final int GROUP = 128;

  private RowKernels() {}

  /** {@code to[at + i] = stage[i]}. */
  static void putFloats(KernelContext c, IntArray base, FloatArray stage, FloatArray to) {
    int count = base.get(1);
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      to.set(base.get(0) + i, stage.get(i));
    }
  }

  /** The same for words. */
  static void putInts(KernelContext c, IntArray base, IntArray stage, IntArray to) {
    int count = base.get(1);
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      to.set(base.get(0) + i, stage.get(i));
    }
  }

  static void touchFloats(KernelContext c, FloatArray array) {
    int i = c.globalIdx;
    if (i < 1) {
      array.set(i, array.get(i));
    }
  }

  static void touchInts(KernelContext c, IntArray array) {
    int i = c.globalIdx;
    if (i < 1) {
      array.set(i, array.get(i));
    }
  }

  static void zero(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int count = step.get(p);
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      arena.set(step.get(p + 1) + i, 0f);
    }
  }

  static void gather(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int columns = step.get(p + 5);
    int count = step.get(p) * columns;
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      int row = i / columns;
      int column = i - row * columns;
      int from = step.get(step.get(p + 6) + row);
      arena.set(
          step.get(p + 3) + row * step.get(p + 4) + column,
          arena.get(step.get(p + 1) + from * step.get(p + 2) + column));
    }
  }

  static void rmsNorm(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      FloatArray tables,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int thread = c.localIdx;
    int columns = step.get(p + 5);
    int stride = step.get(p + 4);
    int weight = step.get(p + 6);
    int powers = step.get(p + 8);
    float epsilon = vectors.get(step.get(p + 7));
    float[] sums = c.allocateFloatLocalArray(128);
    int items = step.get(p + Kernel.GROUPS_X) * step.get(p + Kernel.GROUPS_Y);
    for (int row = c.groupIdx; row < items; row += c.globalGroupSizeX >> 7) {
      int x = step.get(p + 1) + row * step.get(p + 2);
      int out = step.get(p + 3) + row * stride;
      float sum = 0f;
      for (int i = thread; i < columns; i += 128) {
        float v = arena.get(x + i);
        sum += v * v;
      }
      sums[thread] = sum;
      c.localBarrier();
      for (int s = 64; s > 0; s >>= 1) {
        if (thread < s) {
          sums[thread] += sums[thread + s];
        }
        c.localBarrier();
      }
      float scale = 1f / TornadoMath.sqrt(sums[0] / columns + epsilon);
      float most = 0f;
      for (int i = thread; i < stride; i += 128) {
        float v = arena.get(x + i) * scale * vectors.get(weight + i);
        arena.set(out + i, v);
        most = TornadoMath.max(most, TornadoMath.abs(v));
      }
      c.localBarrier();
      sums[thread] = most;
      c.localBarrier();
      // None where nobody asks for powers.
      int first = powers >= 0 ? 64 : 0;
      for (int s = first; s > 0; s >>= 1) {
        if (thread < s) {
          sums[thread] = TornadoMath.max(sums[thread], sums[thread + s]);
        }
        c.localBarrier();
      }
      if (powers >= 0) {
        if (thread == 0) {
          TensorKernels.putPower(arena, tables, sums[0], powers + row * 2);
        }
      }
      c.localBarrier();
    }
  }

  /** One work group for a head of a row. */
  static void normHeads(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int headDim = step.get(p + 5);
    int thread = c.localIdx;
    int weight = step.get(p + 6);
    float epsilon = vectors.get(step.get(p + 7));
    float[] sums = c.allocateFloatLocalArray(128);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 7) {
      int row = item / groupsX;
      int head = item - row * groupsX;
      int x = step.get(p + 1) + row * step.get(p + 2) + step.get(p + 3) + head * headDim;
      float sum = 0f;
      for (int i = thread; i < headDim; i += 128) {
        float v = arena.get(x + i);
        sum += v * v;
      }
      sums[thread] = sum;
      c.localBarrier();
      for (int s = 64; s > 0; s >>= 1) {
        if (thread < s) {
          sums[thread] += sums[thread + s];
        }
        c.localBarrier();
      }
      float scale = 1f / TornadoMath.sqrt(sums[0] / headDim + epsilon);
      for (int i = thread; i < headDim; i += 128) {
        arena.set(x + i, arena.get(x + i) * scale * vectors.get(weight + i));
      }
      c.localBarrier();
    }
  }

  static void add(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int columns = step.get(p + 5);
    int count = step.get(p) * columns;
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      int row = i / columns;
      int column = i - row * columns;
      int x = step.get(p + 1) + row * step.get(p + 2) + column;
      arena.set(x, arena.get(x) + arena.get(step.get(p + 3) + row * step.get(p + 4) + column));
    }
  }

  static void addBias(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int columns = step.get(p + 5);
    int count = step.get(p) * columns;
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      int row = i / columns;
      int column = i - row * columns;
      int x = step.get(p + 1) + row * step.get(p + 2) + column;
      arena.set(x, arena.get(x) + vectors.get(step.get(p + 6) + column));
    }
  }

  /** Rounded once, as by a fused multiply-add. The factors of the rows are activations too. */
  static void addScaled(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int columns = step.get(p + 5);
    int count = step.get(p) * columns;
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      int row = i / columns;
      int column = i - row * columns;
      int to = step.get(step.get(p + 6) + row);
      int x = step.get(p + 1) + to * step.get(p + 2) + column;
      double delta = arena.get(step.get(p + 3) + row * step.get(p + 4) + column);
      double scale = arena.get(step.get(p + 7) + row);
      arena.set(x, (float) (arena.get(x) + scale * delta));
    }
  }

  static void swiGlu(KernelContext c, IntArray base, IntArray step, FloatArray arena, int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int width = step.get(p + 5);
    int count = step.get(p) * width;
    for (int i = c.globalIdx; i < count; i += c.globalGroupSizeX) {
      int row = i / width;
      int column = i - row * width;
      int x = step.get(p + 1) + row * step.get(p + 2) + column;
      float gate = arena.get(x);
      float up = arena.get(x + step.get(p + 6));
      arena.set(
          step.get(p + 3) + row * step.get(p + 4) + column,
          gate / (1f + TornadoMath.exp(-gate)) * up);
    }
  }
}
