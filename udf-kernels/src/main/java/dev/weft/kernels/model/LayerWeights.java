package dev.weft.kernels.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Weights of one transformer block, {@code [rows, columns]}.
 *
 * @param attentionNorm {@code [1, embedding]}
 * @param query {@code [attentionWidth, embedding]}
 * @param key {@code [kvWidth, embedding]}
 * @param value {@code [kvWidth, embedding]}
 * @param bias added to queries, keys and values, where the model has one
 * @param headNorms of queries and keys, where the model has them
 * @param attentionOutput {@code [embedding, attentionWidth]}
 * @param feedForwardNorm {@code [1, embedding]}
 * @param router {@code [experts, embedding]}, where there are many experts
 * @param experts one, or as many as the router has rows
 */
public record LayerWeights(
    Tensor attentionNorm,
    Tensor query,
    Tensor key,
    Tensor value,
    Optional<QkvBias> bias,
    Optional<HeadNorms> headNorms,
    Tensor attentionOutput,
    Tensor feedForwardNorm,
    Optional<Tensor> router,
    List<FeedForward> experts) {

  /**
   * What is added to the products of the three matrices.
   *
   * @param query {@code [1, attentionWidth]}
   * @param key {@code [1, kvWidth]}
   * @param value {@code [1, kvWidth]}
   */
  public record QkvBias(Tensor query, Tensor key, Tensor value) {}

  /**
   * RMSNorm weights that all heads share.
   *
   * @param query {@code [1, headDim]}
   * @param key {@code [1, headDim]}
   */
  public record HeadNorms(Tensor query, Tensor key) {}

  public LayerWeights {
    experts = List.copyOf(experts);
  }

  /** The plain block: no bias, no head norms, one feed-forward block. */
  public LayerWeights(
      Tensor attentionNorm,
      Tensor query,
      Tensor key,
      Tensor value,
      Tensor attentionOutput,
      Tensor feedForwardNorm,
      Tensor gate,
      Tensor up,
      Tensor down) {
    this(
        attentionNorm,
        query,
        key,
        value,
        Optional.empty(),
        Optional.empty(),
        attentionOutput,
        feedForwardNorm,
        Optional.empty(),
        List.of(new FeedForward(gate, up, down)));
  }

  /** Of the first expert. */
  public Tensor gate() {
    return experts.getFirst().gate();
  }

  /** Of the first expert. */
  public Tensor up() {
    return experts.getFirst().up();
  }

  /** Of the first expert. */
  public Tensor down() {
    return experts.getFirst().down();
  }

  /** All tensors of the block. */
  public List<Tensor> tensors() {
    var tensors = new ArrayList<Tensor>();
    tensors.addAll(List.of(attentionNorm, query, key, value, attentionOutput, feedForwardNorm));
    bias.ifPresent(b -> tensors.addAll(List.of(b.query(), b.key(), b.value())));
    headNorms.ifPresent(n -> tensors.addAll(List.of(n.query(), n.key())));
    router.ifPresent(tensors::add);
    for (FeedForward expert : experts) {
      tensors.addAll(List.of(expert.gate(), expert.up(), expert.down()));
    }
    return tensors;
  }
}
