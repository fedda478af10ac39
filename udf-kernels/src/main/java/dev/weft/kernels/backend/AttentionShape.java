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
 */
public record AttentionShape(
    int heads,
    int kvHeads,
    int headDim,
    int queryColumn,
    int keyColumn,
    int valueColumn,
    float scale) {
  /** Query heads that share a key and value head. */
  public int group() {
    return heads / kvHeads;
  }
}
