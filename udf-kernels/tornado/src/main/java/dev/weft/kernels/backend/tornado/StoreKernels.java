package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code that turns queries and keys of tokens and stores keys and values in their pages,
 * whose layout {@link AttentionKernels} has.
 */
final class StoreKernels {
  /** Threads of a work group. */
  static final int GROUP = 64;

  private StoreKernels() {}

  /** One work group for a token and a head; the key heads come after the query heads. */
  static void ropeAndStore(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      FloatArray keys,
      FloatArray values,
      int slot) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int tokens = step.get(p);
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int heads = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int pairs = step.get(p + 9);
    int interleaved = step.get(p + 10);
    int ragged = step.get(p + 13);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 6) {
      int token = item / groupsX;
      int head = item - token * groupsX;
      int position = step.get(ragged + token);
      int row = step.get(p + 1) + token * step.get(p + 2);
      int kvHead = head - heads;
      int x = row + step.get(p + 3) + head * headDim;
      if (kvHead >= 0) {
        x = row + step.get(p + 4) + kvHead * headDim;
      }
      int first = interleaved == 1 ? 2 : 1;
      int distance = interleaved == 1 ? 1 : pairs;
      int cos = step.get(p + 11) + position * pairs;
      int sin = step.get(p + 12) + position * pairs;
      for (int i = thread; i < pairs; i += 64) {
        int at = x + i * first;
        float a = arena.get(at);
        float b = arena.get(at + distance);
        float cosine = vectors.get(cos + i);
        float sine = vectors.get(sin + i);
        arena.set(at, a * cosine - b * sine);
        arena.set(at + distance, a * sine + b * cosine);
      }
      c.globalBarrier();
      if (kvHead >= 0) {
        int page = step.get(step.get(ragged + tokens + token) + (position >> 4));
        int inPage = position & 15;
        int block = step.get(p + 14) + (page * kvHeads + kvHead) * headDim * 16;
        int value = row + step.get(p + 5) + kvHead * headDim;
        for (int d = thread; d < headDim; d += 64) {
          keys.set(block + d * 16 + inPage, arena.get(x + d));
          values.set(block + inPage * headDim + d, arena.get(value + d));
        }
      }
    }
  }

  /** The same for pages of {@code format}, f16 or q8_0. */
  static void ropeAndStorePacked(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      IntArray keys,
      IntArray values,
      FloatArray keyScales,
      FloatArray valueScales,
      int slot,
      int format) {
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int tokens = step.get(p);
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int heads = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int pairs = step.get(p + 9);
    int interleaved = step.get(p + 10);
    int ragged = step.get(p + 13);
    float[] scales = c.allocateFloatLocalArray(128);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 6) {
      int token = item / groupsX;
      int head = item - token * groupsX;
      int position = step.get(ragged + token);
      int row = step.get(p + 1) + token * step.get(p + 2);
      int kvHead = head - heads;
      int x = row + step.get(p + 3) + head * headDim;
      if (kvHead >= 0) {
        x = row + step.get(p + 4) + kvHead * headDim;
      }
      int first = interleaved == 1 ? 2 : 1;
      int distance = interleaved == 1 ? 1 : pairs;
      int cos = step.get(p + 11) + position * pairs;
      int sin = step.get(p + 12) + position * pairs;
      for (int i = thread; i < pairs; i += 64) {
        int at = x + i * first;
        float a = arena.get(at);
        float b = arena.get(at + distance);
        float cosine = vectors.get(cos + i);
        float sine = vectors.get(sin + i);
        arena.set(at, a * cosine - b * sine);
        arena.set(at + distance, a * sine + b * cosine);
      }
      c.globalBarrier();
      int elements = format == DeviceFormat.F16 ? 2 : 4;
      int words = (headDim + elements - 1) / elements;
      int blocks = (headDim + 31) / 32;
      int page = step.get(step.get(ragged + tokens + token) + (position >> 4));
      int inPage = position & 15;
      int block = step.get(p + 14) + (page * kvHeads + kvHead) * words * 16;
      int scalesAt = step.get(p + 15) + (page * kvHeads + kvHead) * blocks * 16;
      int value = row + step.get(p + 5) + kvHead * headDim;
      if (format == DeviceFormat.Q8 && kvHead >= 0 && thread < 2 * blocks) {
        int of = thread < blocks ? x : value;
        int number = thread < blocks ? thread : thread - blocks;
        int begin = number * 32;
        int end = TornadoMath.min(headDim, begin + 32);
        float largest = 0f;
        float damage = 0f;
        for (int d = begin; d < end; d++) {
          float v = arena.get(of + d);
          largest = TornadoMath.max(largest, TornadoMath.abs(v));
          damage += v * 0f;
        }
        scales[thread] = largest / 127f + damage;
      }
      c.localBarrier();
      if (kvHead >= 0) {
        for (int w = thread; w < words; w += 64) {
          int keyWord = 0;
          int valueWord = 0;
          for (int i = 0; i < elements; i++) {
            int d = w * elements + i;
            float k = d < headDim ? arena.get(x + d) : 0f;
            float v = d < headDim ? arena.get(value + d) : 0f;
            if (format == DeviceFormat.F16) {
              keyWord = keyWord + (half(k) << (16 * i));
              valueWord = valueWord + (half(v) << (16 * i));
            } else {
              int number = d >> 5;
              keyWord = keyWord + ((eighth(k, scales[number]) & 255) << (8 * i));
              valueWord = valueWord + ((eighth(v, scales[blocks + number]) & 255) << (8 * i));
            }
          }
          keys.set(block + w * 16 + inPage, keyWord);
          values.set(block + inPage * words + w, valueWord);
        }
        if (format == DeviceFormat.Q8) {
          for (int b = thread; b < blocks; b += 64) {
            keyScales.set(scalesAt + b * 16 + inPage, scales[b]);
            valueScales.set(scalesAt + inPage * blocks + b, scales[blocks + b]);
          }
        }
      }
      c.localBarrier();
    }
  }

  /** The bits of an f16, rounded to even; infinite from 65520 on. */
  private static int half(float x) {
    float size = TornadoMath.abs(x);
    int exponent = 1;
    float rest = size * 16384f;
    if (rest >= 65536f) {
      rest = rest * 1.52587890625E-5f;
      exponent += 16;
    }
    if (rest >= 256f) {
      rest = rest * 0.00390625f;
      exponent += 8;
    }
    if (rest >= 16f) {
      rest = rest * 0.0625f;
      exponent += 4;
    }
    if (rest >= 4f) {
      rest = rest * 0.25f;
      exponent += 2;
    }
    if (rest >= 2f) {
      rest = rest * 0.5f;
      exponent += 1;
    }
    // A number below the smallest normal one is below 1 here and counts from exponent 0.
    float mantissa = rest * 1024f;
    float whole = TornadoMath.floor(mantissa);
    float part = mantissa - whole;
    int rounded = (int) whole;
    if (part > 0.5f || (part == 0.5f && (rounded & 1) == 1)) {
      rounded += 1;
    }
    int bits = (exponent - 1) * 1024 + rounded;
    if (size >= 65520f) {
      bits = 31744;
    }
    if (size != size) {
      bits = 32256;
    }
    return x < 0f ? bits + 32768 : bits;
  }

  private static int eighth(float x, float scale) {
    float q = scale > 0f ? TornadoMath.floor(x / scale + 0.5f) : 0f;
    return (int) TornadoMath.max(-127f, TornadoMath.min(127f, q));
  }
}
