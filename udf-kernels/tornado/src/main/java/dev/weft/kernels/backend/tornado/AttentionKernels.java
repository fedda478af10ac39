package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Device code of attention over pages of 16 positions. A page of one head holds its keys as {@code
 * [headDim][16]}, so that threads of neighbouring positions read neighbouring words, and its values
 * as {@code [16][headDim]}, so that threads of neighbouring elements do. Positions and page tables
 * of the tokens are in {@code step}: a position for each token, where its page table begins for
 * each token, and the page tables.
 */
final class AttentionKernels {
  /** Threads of a work group, and positions that are looked at together. */
  static final int GROUP = 64;

  /** Most query heads of a work group. */
  static final int MOST_HEADS = 16;

  /** Most elements of all query heads of a work group. */
  static final int MOST_ELEMENTS = 2048;

  private AttentionKernels() {}

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
    int p = base.get(0) + slot * 16;
    int tokens = step.get(p);
    int token = c.groupIdy;
    int head = c.groupIdx;
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int heads = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int pairs = step.get(p + 9);
    int interleaved = step.get(p + 10);
    int ragged = step.get(p + 13);
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
    int p = base.get(0) + slot * 16;
    int tokens = step.get(p);
    int token = c.groupIdy;
    int head = c.groupIdx;
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int heads = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int pairs = step.get(p + 9);
    int interleaved = step.get(p + 10);
    int ragged = step.get(p + 13);
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
    float[] scales = c.allocateFloatLocalArray(128);
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

  /**
   * One work group for a token and the query heads that share a key head, or some of them: scores
   * of 64 positions at a time, their softmax continued from the positions before (Milakov and
   * Gimelshein 2018, arXiv:1805.02867).
   */
  static void attention(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      FloatArray keys,
      FloatArray values,
      int slot) {
    int p = base.get(0) + slot * 16;
    int tokens = step.get(p);
    int token = c.groupIdy;
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int group = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int most = step.get(p + 9);
    int ragged = step.get(p + 13);
    int window = step.get(p + 11);
    float scale = vectors.get(step.get(p + 12));
    int parts = (group + most - 1) / most;
    int kvHead = c.groupIdx / parts;
    int part = c.groupIdx - kvHead * parts;
    int firstHead = kvHead * group + part * most;
    int heads = TornadoMath.min(most, group - part * most);
    int elements = heads * headDim;
    int position = step.get(ragged + token);
    int table = step.get(ragged + tokens + token);
    int first = 0;
    if (window > 0) {
      first = TornadoMath.max(0, position - window + 1);
    }
    float[] query = c.allocateFloatLocalArray(2048);
    float[] sums = c.allocateFloatLocalArray(2048);
    float[] scores = c.allocateFloatLocalArray(1024);
    float[] largest = c.allocateFloatLocalArray(16);
    float[] totals = c.allocateFloatLocalArray(16);
    float[] factors = c.allocateFloatLocalArray(16);
    int q = step.get(p + 1) + token * step.get(p + 2) + step.get(p + 5) + firstHead * headDim;
    for (int i = thread; i < elements; i += 64) {
      query[i] = arena.get(q + i);
      sums[i] = 0f;
    }
    if (thread < 16) {
      largest[thread] = Float.NEGATIVE_INFINITY;
      totals[thread] = 0f;
      factors[thread] = 0f;
    }
    c.localBarrier();
    int blockElements = headDim * 16;
    int begin = (first >> 6) * 64;
    for (int chunk = begin; chunk <= position; chunk += 64) {
      int here = chunk + thread;
      int known = TornadoMath.max(first, TornadoMath.min(here, position));
      int page = step.get(table + (known >> 4));
      int key = step.get(p + 14) + (page * kvHeads + kvHead) * blockElements + (known & 15);
      for (int h = 0; h < heads; h++) {
        float score = 0f;
        for (int d = 0; d < headDim; d++) {
          score += query[h * headDim + d] * keys.get(key + d * 16);
        }
        scores[h * 64 + thread] = known == here ? score * scale : Float.NEGATIVE_INFINITY;
      }
      c.localBarrier();
      if (thread < heads) {
        float most64 = largest[thread];
        for (int j = 0; j < 64; j++) {
          most64 = TornadoMath.max(most64, scores[thread * 64 + j]);
        }
        factors[thread] = TornadoMath.exp(largest[thread] - most64);
        largest[thread] = most64;
      }
      c.localBarrier();
      for (int h = 0; h < heads; h++) {
        scores[h * 64 + thread] = TornadoMath.exp(scores[h * 64 + thread] - largest[h]);
      }
      c.localBarrier();
      if (thread < heads) {
        float total = totals[thread] * factors[thread];
        for (int j = 0; j < 64; j++) {
          total += scores[thread * 64 + j];
        }
        totals[thread] = total;
      }
      int from = TornadoMath.max(first, chunk);
      int to = TornadoMath.min(position, chunk + 63);
      for (int i = thread; i < elements; i += 64) {
        int h = i / headDim;
        int d = i - h * headDim;
        float sum = sums[i] * factors[h];
        for (int j = from; j <= to; j++) {
          int valuePage = step.get(table + (j >> 4));
          int value = step.get(p + 14) + (valuePage * kvHeads + kvHead) * blockElements;
          sum += scores[h * 64 + j - chunk] * values.get(value + (j & 15) * headDim + d);
        }
        sums[i] = sum;
      }
      c.localBarrier();
    }
    int out = step.get(p + 3) + token * step.get(p + 4) + firstHead * headDim;
    for (int i = thread; i < elements; i += 64) {
      int h = i / headDim;
      arena.set(out + i, sums[i] / totals[h]);
    }
  }

  /** The same for pages of {@code format}, f16 or q8_0. */
  static void attentionPacked(
      KernelContext c,
      IntArray base,
      IntArray step,
      FloatArray arena,
      FloatArray vectors,
      FloatArray tables,
      IntArray keys,
      IntArray values,
      FloatArray keyScales,
      FloatArray valueScales,
      int slot,
      int format) {
    int p = base.get(0) + slot * 16;
    int tokens = step.get(p);
    int token = c.groupIdy;
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int group = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int most = step.get(p + 9);
    int ragged = step.get(p + 13);
    int window = step.get(p + 11);
    float scale = vectors.get(step.get(p + 12));
    int parts = (group + most - 1) / most;
    int kvHead = c.groupIdx / parts;
    int part = c.groupIdx - kvHead * parts;
    int firstHead = kvHead * group + part * most;
    int heads = TornadoMath.min(most, group - part * most);
    int elements = heads * headDim;
    int position = step.get(ragged + token);
    int table = step.get(ragged + tokens + token);
    int first = 0;
    if (window > 0) {
      first = TornadoMath.max(0, position - window + 1);
    }
    float[] query = c.allocateFloatLocalArray(2048);
    float[] sums = c.allocateFloatLocalArray(2048);
    float[] scores = c.allocateFloatLocalArray(1024);
    float[] largest = c.allocateFloatLocalArray(16);
    float[] totals = c.allocateFloatLocalArray(16);
    float[] factors = c.allocateFloatLocalArray(16);
    int q = step.get(p + 1) + token * step.get(p + 2) + step.get(p + 5) + firstHead * headDim;
    for (int i = thread; i < elements; i += 64) {
      query[i] = arena.get(q + i);
      sums[i] = 0f;
    }
    if (thread < 16) {
      largest[thread] = Float.NEGATIVE_INFINITY;
      totals[thread] = 0f;
      factors[thread] = 0f;
    }
    c.localBarrier();
    int each = format == DeviceFormat.F16 ? 2 : 4;
    int words = (headDim + each - 1) / each;
    int blocks = (headDim + 31) / 32;
    int begin = (first >> 6) * 64;
    for (int chunk = begin; chunk <= position; chunk += 64) {
      int here = chunk + thread;
      int known = TornadoMath.max(first, TornadoMath.min(here, position));
      int page = step.get(table + (known >> 4));
      int key = step.get(p + 14) + (page * kvHeads + kvHead) * words * 16 + (known & 15);
      int keyScale = step.get(p + 15) + (page * kvHeads + kvHead) * blocks * 16 + (known & 15);
      for (int h = 0; h < heads; h++) {
        float score = 0f;
        for (int d = 0; d < headDim; d++) {
          int at = d / each;
          int word = keys.get(key + at * 16);
          float k = 0f;
          if (format == DeviceFormat.F16) {
            int bits = word >> (16 * (d - at * 2));
            int exponent = (bits >> 10) & 31;
            int mantissa = bits & 1023;
            mantissa = exponent > 0 ? mantissa + 1024 : mantissa;
            k = mantissa * tables.get(DeviceFormat.F16_POWERS + exponent);
            k = (bits & 32768) != 0 ? -k : k;
          } else {
            k = ((word << (24 - 8 * (d - at * 4))) >> 24) * keyScales.get(keyScale + (d >> 5) * 16);
          }
          score += query[h * headDim + d] * k;
        }
        scores[h * 64 + thread] = known == here ? score * scale : Float.NEGATIVE_INFINITY;
      }
      c.localBarrier();
      if (thread < heads) {
        float most64 = largest[thread];
        for (int j = 0; j < 64; j++) {
          most64 = TornadoMath.max(most64, scores[thread * 64 + j]);
        }
        factors[thread] = TornadoMath.exp(largest[thread] - most64);
        largest[thread] = most64;
      }
      c.localBarrier();
      for (int h = 0; h < heads; h++) {
        scores[h * 64 + thread] = TornadoMath.exp(scores[h * 64 + thread] - largest[h]);
      }
      c.localBarrier();
      if (thread < heads) {
        float total = totals[thread] * factors[thread];
        for (int j = 0; j < 64; j++) {
          total += scores[thread * 64 + j];
        }
        totals[thread] = total;
      }
      int from = TornadoMath.max(first, chunk);
      int to = TornadoMath.min(position, chunk + 63);
      for (int i = thread; i < elements; i += 64) {
        int h = i / headDim;
        int d = i - h * headDim;
        float sum = sums[i] * factors[h];
        for (int j = from; j <= to; j++) {
          int valuePage = step.get(table + (j >> 4));
          int value = (valuePage * kvHeads + kvHead) * 16 + (j & 15);
          int at = d / each;
          int word = values.get(step.get(p + 14) + value * words + at);
          float v = 0f;
          if (format == DeviceFormat.F16) {
            int bits = word >> (16 * (d - at * 2));
            int exponent = (bits >> 10) & 31;
            int mantissa = bits & 1023;
            mantissa = exponent > 0 ? mantissa + 1024 : mantissa;
            v = mantissa * tables.get(DeviceFormat.F16_POWERS + exponent);
            v = (bits & 32768) != 0 ? -v : v;
          } else {
            v =
                ((word << (24 - 8 * (d - at * 4))) >> 24)
                    * valueScales.get(step.get(p + 15) + value * blocks + (d >> 5));
          }
          sum += scores[h * 64 + j - chunk] * v;
        }
        sums[i] = sum;
      }
      c.localBarrier();
    }
    int out = step.get(p + 3) + token * step.get(p + 4) + firstHead * headDim;
    for (int i = thread; i < elements; i += 64) {
      int h = i / headDim;
      arena.set(out + i, sums[i] / totals[h]);
    }
  }
}
