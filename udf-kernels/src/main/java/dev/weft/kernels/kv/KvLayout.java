package dev.weft.kernels.kv;

/**
 * Shape of the keys and values of a model.
 *
 * @param layers blocks of the model
 * @param kvHeads key and value heads of a block
 * @param headDim elements of a head
 */
public record KvLayout(int layers, int kvHeads, int headDim) {
  private static final int PAD = 16;

  public KvLayout {
    if (layers < 1 || kvHeads < 1 || headDim < 1) {
      throw new IllegalArgumentException(
          "KV layout of " + layers + " layers, " + kvHeads + " heads of " + headDim);
    }
  }

  /** Elements of a value row in memory: {@code headDim} up to a whole number of vectors. */
  public int valueStride() {
    return (headDim + PAD - 1) / PAD * PAD;
  }

  /** Bytes of the keys of one page, head and layer: {@code [headDim][16]} f32. */
  public long keyBlockBytes() {
    return (long) headDim * KvConfig.PAGE_TOKENS * Float.BYTES;
  }

  /** Bytes of the values of one page, head and layer: {@code [16][valueStride]} f32. */
  public long valueBlockBytes() {
    return (long) KvConfig.PAGE_TOKENS * valueStride() * Float.BYTES;
  }

  /** Bytes of keys and values of one page in all layers. */
  public long bytesPerPage() {
    return layers * (long) kvHeads * (keyBlockBytes() + valueBlockBytes());
  }
}
