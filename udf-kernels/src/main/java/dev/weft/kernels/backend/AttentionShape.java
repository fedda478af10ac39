package dev.weft.kernels.backend;

/**
 * Heads of an attention block and where they are in the row that holds query, key and value.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim elements of a head
 * @param queryColumn column of the first query head
 * @param keyColumn column of the first key head
 * @param valueColumn column of the first value head
 * @param scale factor of the scores, usually {@code 1 / sqrt(headDim)}
 * @param window how many positions a token attends to, itself included; 0 for all
 */
public record AttentionShape(
    int heads,
    int kvHeads,
    int headDim,
    int queryColumn,
    int keyColumn,
    int valueColumn,
    float scale,
    int window) {
  /** Attention to all positions. */
  public AttentionShape(
      int heads,
      int kvHeads,
      int headDim,
      int queryColumn,
      int keyColumn,
      int valueColumn,
      float scale) {
    this(heads, kvHeads, headDim, queryColumn, keyColumn, valueColumn, scale, 0);
  }

  /** The same with a sliding window. */
  public AttentionShape withWindow(int positions) {
    return new AttentionShape(
        heads, kvHeads, headDim, queryColumn, keyColumn, valueColumn, scale, positions);
  }

  /** The first position that a token at {@code position} attends to. */
  public int firstPosition(int position) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }

  /** Query heads that share a key and value head. */
  public int group() {
    return heads / kvHeads;
  }
}
