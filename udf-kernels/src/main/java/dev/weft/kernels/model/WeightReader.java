package dev.weft.kernels.model;

import dev.weft.kernels.model.LayerWeights.HeadNorms;
import dev.weft.kernels.model.LayerWeights.QkvBias;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds the tensor of each role that a spec has, and checks its shape. */
record WeightReader(
    ModelArchitecture architecture, TransformerSpec spec, TensorNames names, TensorSource tensors) {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  ModelWeights read() {
    int embedding = spec.embeddingLength();
    Tensor tokens = tensors.matrix(names.embedding() + WEIGHT, spec.vocabSize(), embedding);
    var layers = new ArrayList<LayerWeights>();
    for (int i = 0; i < spec.layers(); i++) {
      layers.add(layer(names.layer().formatted(i)));
    }
    Tensor norm = tensors.vector(names.outputNorm() + WEIGHT, embedding);
    Tensor output =
        spec.tiedOutput()
            ? tokens
            : tensors.matrix(names.output() + WEIGHT, spec.vocabSize(), embedding);
    return new ModelWeights(tokens, layers, norm, output);
  }

  private LayerWeights layer(String layer) {
    int embedding = spec.embeddingLength();
    Tensor attentionNorm = tensors.vector(layer + names.attentionNorm() + WEIGHT, embedding);
    List<Tensor> qkv = qkv(layer);
    return new LayerWeights(
        attentionNorm,
        qkv.get(0),
        qkv.get(1),
        qkv.get(2),
        spec.blocks().qkvBias() ? Optional.of(bias(layer)) : Optional.empty(),
        spec.blocks().headNorms() ? Optional.of(headNorms(layer)) : Optional.empty(),
        tensors.matrix(layer + names.attentionOutput() + WEIGHT, embedding, spec.attentionWidth()),
        tensors.vector(layer + names.feedForwardNorm() + WEIGHT, embedding),
        spec.blocks().experts() > 1
            ? Optional.of(
                tensors.matrix(layer + names.router() + WEIGHT, spec.blocks().experts(), embedding))
            : Optional.empty(),
        spec.blocks().experts() > 1 ? experts(layer) : List.of(feedForward(layer)));
  }

  private List<Tensor> qkv(String layer) {
    int embedding = spec.embeddingLength();
    if (architecture.fused()) {
      return tensors.stacked(
          layer + names.qkv() + WEIGHT,
          embedding,
          spec.attentionWidth(),
          spec.kvWidth(),
          spec.kvWidth());
    }
    return List.of(
        tensors.matrix(layer + names.query() + WEIGHT, spec.attentionWidth(), embedding),
        tensors.matrix(layer + names.key() + WEIGHT, spec.kvWidth(), embedding),
        tensors.matrix(layer + names.value() + WEIGHT, spec.kvWidth(), embedding));
  }

  private QkvBias bias(String layer) {
    return new QkvBias(
        tensors.vector(layer + names.query() + BIAS, spec.attentionWidth()),
        tensors.vector(layer + names.key() + BIAS, spec.kvWidth()),
        tensors.vector(layer + names.value() + BIAS, spec.kvWidth()));
  }

  private HeadNorms headNorms(String layer) {
    return new HeadNorms(
        tensors.vector(layer + names.queryNorm() + WEIGHT, spec.headDim()),
        tensors.vector(layer + names.keyNorm() + WEIGHT, spec.headDim()));
  }

  private FeedForward feedForward(String layer) {
    int embedding = spec.embeddingLength();
    int width = spec.feedForwardLength();
    List<Tensor> gateUp =
        architecture.fused()
            ? tensors.stacked(layer + names.gateUp() + WEIGHT, embedding, width, width)
            : List.of(
                tensors.matrix(layer + names.gate() + WEIGHT, width, embedding),
                tensors.matrix(layer + names.up() + WEIGHT, width, embedding));
    return new FeedForward(
        gateUp.get(0),
        gateUp.get(1),
        tensors.matrix(layer + names.down() + WEIGHT, embedding, width));
  }

  private List<FeedForward> experts(String layer) {
    List<Tensor> gates = experts(layer, names.expertGate(), false);
    List<Tensor> ups = experts(layer, names.expertUp(), false);
    List<Tensor> downs = experts(layer, names.expertDown(), true);
    var experts = new ArrayList<FeedForward>();
    for (int e = 0; e < spec.blocks().experts(); e++) {
      experts.add(new FeedForward(gates.get(e), ups.get(e), downs.get(e)));
    }
    return experts;
  }

  private List<Tensor> experts(String layer, String name, boolean down) {
    int count = spec.blocks().experts();
    int rows = down ? spec.embeddingLength() : spec.feedForwardLength();
    int columns = down ? spec.feedForwardLength() : spec.embeddingLength();
    String cube = layer + name.replace(".%d", "_exps") + WEIGHT;
    if (names.expertCubes() && tensors.contains(cube)) {
      return tensors.cube(cube, count, rows, columns);
    }
    var matrices = new ArrayList<Tensor>();
    for (int e = 0; e < count; e++) {
      matrices.add(tensors.matrix(layer + name.formatted(e) + WEIGHT, rows, columns));
    }
    return matrices;
  }
}
