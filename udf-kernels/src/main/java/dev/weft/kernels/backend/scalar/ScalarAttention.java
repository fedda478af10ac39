package dev.weft.kernels.backend.scalar;

import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;

/** Attention of one head over the pages of one sequence. */
record ScalarAttention(HostKvCache cache, int layer, AttentionShape shape) {
  /**
   * @param query position of the turned query in {@code q}, {@code headDim} elements
   * @param position of the token; it attends to those of its window up to itself
   * @param scores scratch, more than {@code position} elements
   * @param result position of the head's output in {@code out}
   */
  void attend(
      float[] q,
      int query,
      int head,
      int[] pages,
      int position,
      double[] scores,
      float[] out,
      int result) {
    int kvHead = head / shape.group();
    int headDim = shape.headDim();
    double max = Double.NEGATIVE_INFINITY;
    int first = shape.firstPosition(position);
    for (int p = first; p <= position; p++) {
      int page = pages[p / KvConfig.PAGE_TOKENS];
      int slot = p % KvConfig.PAGE_TOKENS;
      double dot = 0;
      for (int d = 0; d < headDim; d++) {
        dot += (double) q[query + d] * cache.key(layer, page, slot, kvHead, d);
      }
      scores[p] = dot * shape.scale();
      max = Math.max(max, scores[p]);
    }
    double sum = 0;
    for (int p = first; p <= position; p++) {
      scores[p] = Math.exp(scores[p] - max);
      sum += scores[p];
    }
    for (int d = 0; d < headDim; d++) {
      double mix = 0;
      for (int p = first; p <= position; p++) {
        int page = pages[p / KvConfig.PAGE_TOKENS];
        mix += scores[p] * cache.value(layer, page, p % KvConfig.PAGE_TOKENS, kvHead, d);
      }
      out[result + d] = (float) (mix / sum);
    }
  }
}
