package dev.weft.batching.cost;

/**
 * What the cost model must know of a model.
 *
 * @param parametersPerToken {@code P}: weights that take part in computing one token (of a mixture
 *     of experts only the active ones), without the embedding table, and without the output
 *     projection if {@code headParameters} names it
 * @param layers {@code L}
 * @param attentionWidth {@code H}: query heads x head dimension
 * @param kvWidth {@code W_kv}: KV heads x head dimension
 * @param bytesPerKvElement {@code b_kv}: bytes of one stored K or V element, block scales included
 * @param bytesPerWeight {@code b_w}: bytes of one stored weight, block scales included (Q8_0:
 *     1.0625)
 * @param headParameters weights of the output projection; used only for tokens whose logits are
 *     needed. 0 where {@code parametersPerToken} counts them
 */
public record ModelShape(
    long parametersPerToken,
    int layers,
    int attentionWidth,
    int kvWidth,
    double bytesPerKvElement,
    double bytesPerWeight,
    long headParameters) {

  public ModelShape {
    if (parametersPerToken <= 0 || layers <= 0 || attentionWidth <= 0 || kvWidth <= 0) {
      throw new IllegalArgumentException(
          "model shape needs positive parameters, layers and widths, got P="
              + parametersPerToken
              + " L="
              + layers
              + " H="
              + attentionWidth
              + " W_kv="
              + kvWidth);
    }
    if (!(bytesPerKvElement > 0) || !(bytesPerWeight > 0) || headParameters < 0) {
      throw new IllegalArgumentException(
          "model shape needs positive bytes per element, got b_kv="
              + bytesPerKvElement
              + " b_w="
              + bytesPerWeight
              + " headParameters="
              + headParameters);
    }
  }

  public ModelShape(
      long parametersPerToken,
      int layers,
      int attentionWidth,
      int kvWidth,
      double bytesPerKvElement,
      double bytesPerWeight) {
    this(parametersPerToken, layers, attentionWidth, kvWidth, bytesPerKvElement, bytesPerWeight, 0);
  }

  /** Bytes of K and V of one token over all layers: {@code 2 W_kv L b_kv}. */
  public double kvBytesPerToken() {
    return 2.0 * kvWidth * layers * bytesPerKvElement;
  }

  /** Bytes of all weights that a step reads once, however many tokens it computes. */
  public double weightBytes() {
    return (parametersPerToken + headParameters) * bytesPerWeight;
  }
}
