package dev.weft.kernels.model;

/**
 * What the one forward pass needs to know of a decoder-only transformer.
 *
 * @param architecture name in the model file, e.g. {@code llama}
 * @param layers transformer blocks
 * @param embeddingLength width of the residual stream
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads} (grouped-query attention)
 * @param headDim elements of one head
 * @param feedForwardLength inner width of the SwiGLU block
 * @param vocabSize rows of the token embedding
 * @param contextLength positions that the model was made for
 * @param rmsNormEpsilon added to the mean square in RMSNorm
 * @param rope rotary position embedding
 * @param tiedOutput whether the output matrix is the token embedding
 * @param blocks how its blocks differ from the plain Llama block
 */
public record TransformerSpec(
    String architecture,
    int layers,
    int embeddingLength,
    int heads,
    int kvHeads,
    int headDim,
    int feedForwardLength,
    int vocabSize,
    int contextLength,
    float rmsNormEpsilon,
    RopeSpec rope,
    boolean tiedOutput,
    BlockSpec blocks) {

  /** A transformer of plain blocks. */
  public TransformerSpec(
      String architecture,
      int layers,
      int embeddingLength,
      int heads,
      int kvHeads,
      int headDim,
      int feedForwardLength,
      int vocabSize,
      int contextLength,
      float rmsNormEpsilon,
      RopeSpec rope,
      boolean tiedOutput) {
    this(
        architecture,
        layers,
        embeddingLength,
        heads,
        kvHeads,
        headDim,
        feedForwardLength,
        vocabSize,
        contextLength,
        rmsNormEpsilon,
        rope,
        tiedOutput,
        BlockSpec.PLAIN);
  }

  /** Width of all query heads together: H of the cost model. */
  public int attentionWidth() {
    return heads * headDim;
  }

  /** Width of all key (or value) heads together: W_kv of the cost model. */
  public int kvWidth() {
    return kvHeads * headDim;
  }

  /**
   * Parameters that one token is multiplied with: P of the cost model. Norms and biases are not
   * counted, and of the experts only those that a token goes through.
   */
  public long parametersPerToken() {
    long attention = (long) embeddingLength * (2L * attentionWidth() + 2L * kvWidth());
    long feedForward = 3L * embeddingLength * feedForwardLength * blocks.expertsUsed();
    if (blocks.experts() > 1) {
      feedForward += (long) blocks.experts() * embeddingLength;
    }
    return layers * (attention + feedForward) + (long) vocabSize * embeddingLength;
  }
}
