package dev.weft.kernels.kv;

/**
 * Shape of the keys and values of a model.
 *
 * @param layers blocks of the model
 * @param kvHeads key and value heads of a block
 * @param headDim elements of a head
 * @param format in which they are stored
 */
public record KvLayout(int layers, int kvHeads, int headDim, KvFormat format) {
  private static final int PAD = 16;

  public KvLayout {
    if (layers < 1 || kvHeads < 1 || headDim < 1) {
      throw new IllegalArgumentException(
          "KV layout of " + layers + " layers, " + kvHeads + " heads of " + headDim);
    }
  }

  /** Keys and values as they are computed. */
  public KvLayout(int layers, int kvHeads, int headDim) {
    this(layers, kvHeads, headDim, KvFormat.F32);
  }

  /** Elements of a value row in memory: {@code headDim} up to a whole number of vectors. */
  public int valueStride() {
    return (headDim + PAD - 1) / PAD * PAD;
  }

  /** Bytes of the keys of one page, head and layer. */
  public long keyBlockBytes() {
    return format.keyBytes(headDim);
  }

  /** Bytes of the values of one page, head and layer. */
  public long valueBlockBytes() {
    return format.valueBytes(valueStride());
  }

  /** Bytes of keys and values of one page in all layers. */
  public long bytesPerPage() {
    return layers * (long) kvHeads * (keyBlockBytes() + valueBlockBytes());
  }

  /** Bytes of one element on average, with scales and what fills up vectors. */
  public double bytesPerElement() {
    return (double) (keyBlockBytes() + valueBlockBytes()) / (2 * headDim * KvConfig.PAGE_TOKENS);
  }
}
