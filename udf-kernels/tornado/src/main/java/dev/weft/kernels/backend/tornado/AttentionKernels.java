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
}
