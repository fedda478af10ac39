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

  /** Most queries of a work group: query heads of all its tokens. */
  static final int MOST_HEADS = 16;

  /** Most elements of all queries of a work group. */
  static final int MOST_ELEMENTS = 2048;

  private AttentionKernels() {}

  /**
   * One work group for a block of tokens and the query heads that share a key head, or some of
   * them: scores of 64 positions at a time, their softmax continued from the positions before
   * (Milakov and Gimelshein 2018, arXiv:1805.02867). Positions that the tokens have in common are
   * read once for all of them, four queries at a time, the last of which repeats; then each token
   * goes on by itself. What is computed for a query does not depend on the others.
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
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int tokens = step.get(p);
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int group = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int most = step.get(p + 9);
    int ragged = step.get(p + 13);
    int window = step.get(p + 11);
    float scale = vectors.get(step.get(p + 12));
    int parts = (group + most - 1) / most;
    float[] query = c.allocateFloatLocalArray(2048);
    float[] sums = c.allocateFloatLocalArray(2048);
    float[] scores = c.allocateFloatLocalArray(1024);
    float[] largest = c.allocateFloatLocalArray(16);
    float[] totals = c.allocateFloatLocalArray(16);
    float[] factors = c.allocateFloatLocalArray(16);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 6) {
      int y = item / groupsX;
      int x = item - y * groupsX;
      int block = step.get(p + 10) + 3 * y;
      int kvHead = x / parts;
      int part = x - kvHead * parts;
      int firstHead = kvHead * group + part * most;
      int heads = TornadoMath.min(most, group - part * most);
      int members = step.get(block);
      int count = step.get(block + 1);
      int common = step.get(block + 2);
      int width = heads * headDim;
      int elements = count * width;
      int queriesAt = step.get(p + 1) + step.get(p + 5) + firstHead * headDim;
      for (int i = thread; i < elements; i += 64) {
        int n = i / width;
        query[i] = arena.get(queriesAt + step.get(members + n) * step.get(p + 2) + i - n * width);
        sums[i] = 0f;
      }
      if (thread < 16) {
        largest[thread] = Float.NEGATIVE_INFINITY;
        totals[thread] = 0f;
        factors[thread] = 0f;
      }
      c.localBarrier();
      int blockElements = headDim * 16;
      for (int phase = 0; phase <= count; phase++) {
        // First what all tokens have in common, then each from there on.
        int member = TornadoMath.max(0, phase - 1);
        int token = step.get(members + member);
        int table = step.get(ragged + tokens + token);
        int position = phase > 0 ? step.get(ragged + token) : common - 1;
        int first = window > 0 ? TornadoMath.max(0, position - window + 1) : 0;
        int begin = phase > 0 ? TornadoMath.max(common, (first >> 6) * 64) : 0;
        int q0 = member * heads;
        int queries = phase > 0 ? heads : count * heads;
        int last = q0 + queries - 1;
        for (int chunk = begin; chunk <= position; chunk += 64) {
          int here = chunk + thread;
          int known = TornadoMath.max(first, TornadoMath.min(here, position));
          int page = step.get(table + (known >> 4));
          int key = step.get(p + 14) + (page * kvHeads + kvHead) * blockElements + (known & 15);
          for (int q = q0; q <= last; q += 4) {
            int a = q;
            int b = TornadoMath.min(q + 1, last);
            int e = TornadoMath.min(q + 2, last);
            int f = TornadoMath.min(q + 3, last);
            float scoreA = 0f;
            float scoreB = 0f;
            float scoreE = 0f;
            float scoreF = 0f;
            for (int d = 0; d < headDim; d++) {
              float k = keys.get(key + d * 16);
              scoreA += query[a * headDim + d] * k;
              scoreB += query[b * headDim + d] * k;
              scoreE += query[e * headDim + d] * k;
              scoreF += query[f * headDim + d] * k;
            }
            scores[a * 64 + thread] = known == here ? scoreA * scale : Float.NEGATIVE_INFINITY;
            scores[b * 64 + thread] = known == here ? scoreB * scale : Float.NEGATIVE_INFINITY;
            scores[e * 64 + thread] = known == here ? scoreE * scale : Float.NEGATIVE_INFINITY;
            scores[f * 64 + thread] = known == here ? scoreF * scale : Float.NEGATIVE_INFINITY;
          }
          c.localBarrier();
          if (thread < queries) {
            int q = q0 + thread;
            float most64 = largest[q];
            for (int j = 0; j < 64; j++) {
              most64 = TornadoMath.max(most64, scores[q * 64 + j]);
            }
            factors[q] = TornadoMath.exp(largest[q] - most64);
            largest[q] = most64;
          }
          c.localBarrier();
          for (int q = q0; q <= last; q++) {
            scores[q * 64 + thread] = TornadoMath.exp(scores[q * 64 + thread] - largest[q]);
          }
          c.localBarrier();
          if (thread < queries) {
            int q = q0 + thread;
            float total = totals[q] * factors[q];
            for (int j = 0; j < 64; j++) {
              total += scores[q * 64 + j];
            }
            totals[q] = total;
          }
          int from = TornadoMath.max(first, chunk);
          int to = TornadoMath.min(position, chunk + 63);
          int work = (queries + 3) / 4 * headDim;
          for (int i = thread; i < work; i += 64) {
            int four = i / headDim;
            int d = i - four * headDim;
            int a = q0 + four * 4;
            int b = TornadoMath.min(a + 1, last);
            int e = TornadoMath.min(a + 2, last);
            int f = TornadoMath.min(a + 3, last);
            float sumA = sums[a * headDim + d] * factors[a];
            float sumB = sums[b * headDim + d] * factors[b];
            float sumE = sums[e * headDim + d] * factors[e];
            float sumF = sums[f * headDim + d] * factors[f];
            for (int j = from; j <= to; j++) {
              int valuePage = step.get(table + (j >> 4));
              int value = step.get(p + 14) + (valuePage * kvHeads + kvHead) * blockElements;
              float v = values.get(value + (j & 15) * headDim + d);
              sumA += scores[a * 64 + j - chunk] * v;
              sumB += scores[b * 64 + j - chunk] * v;
              sumE += scores[e * 64 + j - chunk] * v;
              sumF += scores[f * 64 + j - chunk] * v;
            }
            sums[a * headDim + d] = sumA;
            sums[b * headDim + d] = sumB;
            sums[e * headDim + d] = sumE;
            sums[f * headDim + d] = sumF;
          }
          c.localBarrier();
        }
        // PoCL keeps a thread's totals in registers up to here.
        c.localBarrier();
      }
      int out = step.get(p + 3) + firstHead * headDim;
      for (int i = thread; i < elements; i += 64) {
        int n = i / width;
        arena.set(
            out + step.get(members + n) * step.get(p + 4) + i - n * width,
            sums[i] / totals[i / headDim]);
      }
      c.localBarrier();
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
    int p = base.get(0) + slot * Kernel.PARAMETERS;
    int tokens = step.get(p);
    int thread = c.localIdx;
    int headDim = step.get(p + 6);
    int group = step.get(p + 7);
    int kvHeads = step.get(p + 8);
    int most = step.get(p + 9);
    int ragged = step.get(p + 13);
    int window = step.get(p + 11);
    float scale = vectors.get(step.get(p + 12));
    int parts = (group + most - 1) / most;
    float[] query = c.allocateFloatLocalArray(2048);
    float[] sums = c.allocateFloatLocalArray(2048);
    float[] scores = c.allocateFloatLocalArray(1024);
    float[] largest = c.allocateFloatLocalArray(16);
    float[] totals = c.allocateFloatLocalArray(16);
    float[] factors = c.allocateFloatLocalArray(16);
    int groupsX = step.get(p + Kernel.GROUPS_X);
    int items = groupsX * step.get(p + Kernel.GROUPS_Y);
    for (int item = c.groupIdx; item < items; item += c.globalGroupSizeX >> 6) {
      int y = item / groupsX;
      int x = item - y * groupsX;
      int block = step.get(p + 10) + 3 * y;
      int kvHead = x / parts;
      int part = x - kvHead * parts;
      int firstHead = kvHead * group + part * most;
      int heads = TornadoMath.min(most, group - part * most);
      int members = step.get(block);
      int count = step.get(block + 1);
      int common = step.get(block + 2);
      int width = heads * headDim;
      int elements = count * width;
      int queriesAt = step.get(p + 1) + step.get(p + 5) + firstHead * headDim;
      for (int i = thread; i < elements; i += 64) {
        int n = i / width;
        query[i] = arena.get(queriesAt + step.get(members + n) * step.get(p + 2) + i - n * width);
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
      int scaleBlocks = (headDim + 31) / 32;
      for (int phase = 0; phase <= count; phase++) {
        // First what all tokens have in common, then each from there on.
        int member = TornadoMath.max(0, phase - 1);
        int token = step.get(members + member);
        int table = step.get(ragged + tokens + token);
        int position = phase > 0 ? step.get(ragged + token) : common - 1;
        int first = window > 0 ? TornadoMath.max(0, position - window + 1) : 0;
        int begin = phase > 0 ? TornadoMath.max(common, (first >> 6) * 64) : 0;
        int q0 = member * heads;
        int queries = phase > 0 ? heads : count * heads;
        int last = q0 + queries - 1;
        for (int chunk = begin; chunk <= position; chunk += 64) {
          int here = chunk + thread;
          int known = TornadoMath.max(first, TornadoMath.min(here, position));
          int page = step.get(table + (known >> 4));
          int key = step.get(p + 14) + (page * kvHeads + kvHead) * words * 16 + (known & 15);
          int keyScale =
              step.get(p + 15) + (page * kvHeads + kvHead) * scaleBlocks * 16 + (known & 15);
          for (int q = q0; q <= last; q += 4) {
            int a = q;
            int b = TornadoMath.min(q + 1, last);
            int e = TornadoMath.min(q + 2, last);
            int f = TornadoMath.min(q + 3, last);
            float scoreA = 0f;
            float scoreB = 0f;
            float scoreE = 0f;
            float scoreF = 0f;
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
                k =
                    ((word << (24 - 8 * (d - at * 4))) >> 24)
                        * keyScales.get(keyScale + (d >> 5) * 16);
              }
              scoreA += query[a * headDim + d] * k;
              scoreB += query[b * headDim + d] * k;
              scoreE += query[e * headDim + d] * k;
              scoreF += query[f * headDim + d] * k;
            }
            scores[a * 64 + thread] = known == here ? scoreA * scale : Float.NEGATIVE_INFINITY;
            scores[b * 64 + thread] = known == here ? scoreB * scale : Float.NEGATIVE_INFINITY;
            scores[e * 64 + thread] = known == here ? scoreE * scale : Float.NEGATIVE_INFINITY;
            scores[f * 64 + thread] = known == here ? scoreF * scale : Float.NEGATIVE_INFINITY;
          }
          c.localBarrier();
          if (thread < queries) {
            int q = q0 + thread;
            float most64 = largest[q];
            for (int j = 0; j < 64; j++) {
              most64 = TornadoMath.max(most64, scores[q * 64 + j]);
            }
            factors[q] = TornadoMath.exp(largest[q] - most64);
            largest[q] = most64;
          }
          c.localBarrier();
          for (int q = q0; q <= last; q++) {
            scores[q * 64 + thread] = TornadoMath.exp(scores[q * 64 + thread] - largest[q]);
          }
          c.localBarrier();
          if (thread < queries) {
            int q = q0 + thread;
            float total = totals[q] * factors[q];
            for (int j = 0; j < 64; j++) {
              total += scores[q * 64 + j];
            }
            totals[q] = total;
          }
          int from = TornadoMath.max(first, chunk);
          int to = TornadoMath.min(position, chunk + 63);
          int work = (queries + 3) / 4 * headDim;
          for (int i = thread; i < work; i += 64) {
            int four = i / headDim;
            int d = i - four * headDim;
            int a = q0 + four * 4;
            int b = TornadoMath.min(a + 1, last);
            int e = TornadoMath.min(a + 2, last);
            int f = TornadoMath.min(a + 3, last);
            float sumA = sums[a * headDim + d] * factors[a];
            float sumB = sums[b * headDim + d] * factors[b];
            float sumE = sums[e * headDim + d] * factors[e];
            float sumF = sums[f * headDim + d] * factors[f];
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
                        * valueScales.get(step.get(p + 15) + value * scaleBlocks + (d >> 5));
              }
              sumA += scores[a * 64 + j - chunk] * v;
              sumB += scores[b * 64 + j - chunk] * v;
              sumE += scores[e * 64 + j - chunk] * v;
              sumF += scores[f * 64 + j - chunk] * v;
            }
            sums[a * headDim + d] = sumA;
            sums[b * headDim + d] = sumB;
            sums[e * headDim + d] = sumE;
            sums[f * headDim + d] = sumF;
          }
          c.localBarrier();
        }
        // PoCL keeps a thread's totals in registers up to here.
        c.localBarrier();
      }
      int out = step.get(p + 3) + firstHead * headDim;
      for (int i = thread; i < elements; i += 64) {
        int n = i / width;
        arena.set(
            out + step.get(members + n) * step.get(p + 4) + i - n * width,
            sums[i] / totals[i / headDim]);
      }
      c.localBarrier();
    }
  }
}
