package dev.weft.kernels.forward;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.FeedForward;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.LayerWeights.HeadNorms;
import dev.weft.kernels.model.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The prepared weights of one block; matrices that share an input are together.
 *
 * @param qkvBias at the columns of the products, or null
 * @param queryNorm of one head, or null, as {@code keyNorm}
 * @param router null where there is one expert
 */
record Layer(
    float[] attentionNorm,
    Weights qkv,
    float[] qkvBias,
    float[] queryNorm,
    float[] keyNorm,
    Weights attentionOutput,
    float[] feedForwardNorm,
    Weights router,
    List<Expert> experts)
    implements AutoCloseable {

  /** A SwiGLU block. */
  record Expert(Weights gateUp, Weights down) {}

  static Layer prepare(LayerWeights tensors, Backend backend) {
    var made = new ArrayList<Weights>();
    try {
      Weights qkv = prepare(backend, made, tensors.query(), tensors.key(), tensors.value());
      Weights attentionOutput = prepare(backend, made, tensors.attentionOutput());
      Weights router =
          tensors.router().isEmpty() ? null : prepare(backend, made, tensors.router().get());
      var experts = new ArrayList<Expert>();
      for (FeedForward expert : tensors.experts()) {
        experts.add(
            new Expert(
                prepare(backend, made, expert.gate(), expert.up()),
                prepare(backend, made, expert.down())));
      }
      return new Layer(
          vector(tensors.attentionNorm()),
          qkv,
          tensors.bias().map(b -> bias(b, qkv)).orElse(null),
          tensors.headNorms().map(HeadNorms::query).map(Layer::vector).orElse(null),
          tensors.headNorms().map(HeadNorms::key).map(Layer::vector).orElse(null),
          attentionOutput,
          vector(tensors.feedForwardNorm()),
          router,
          List.copyOf(experts));
    } catch (RuntimeException e) {
      made.forEach(Weights::close);
      throw e;
    }
  }

  private static Weights prepare(Backend backend, List<Weights> made, Tensor... matrices) {
    Weights weights = backend.prepare(List.of(matrices));
    made.add(weights);
    return weights;
  }

  private static float[] bias(LayerWeights.QkvBias bias, Weights qkv) {
    float[] row = new float[Activations.padded(qkv.outputs())];
    List<Tensor> parts = List.of(bias.query(), bias.key(), bias.value());
    for (int i = 0; i < parts.size(); i++) {
      float[] values = vector(parts.get(i));
      System.arraycopy(values, 0, row, qkv.firstColumn(i), parts.get(i).columns());
    }
    return row;
  }

  /** Padded with zeros as activations are. */
  static float[] vector(Tensor tensor) {
    float[] values = new float[Activations.padded(tensor.columns())];
    tensor.decodeRow(0, values);
    return values;
  }

  private List<Weights> all() {
    var all = new ArrayList<Weights>(List.of(qkv, attentionOutput));
    if (router != null) {
      all.add(router);
    }
    for (Expert expert : experts) {
      all.add(expert.gateUp);
      all.add(expert.down);
    }
    return all;
  }

  long bytes() {
    return all().stream().mapToLong(Weights::bytes).sum();
  }

  boolean roundsActivations() {
    return all().stream().anyMatch(Weights::roundsActivations);
  }

  boolean roundsToHalf() {
    return all().stream().anyMatch(Weights::roundsToHalf);
  }

  @Override
  public void close() {
    all().forEach(Weights::close);
  }
}
