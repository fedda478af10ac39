package dev.weft.kernels.forward;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.Tensor;
import java.util.List;

/** The prepared weights of one block; matrices that share an input are together. */
record Layer(
    float[] attentionNorm,
    Weights qkv,
    Weights attentionOutput,
    float[] feedForwardNorm,
    Weights gateUp,
    Weights down)
    implements AutoCloseable {
  static Layer prepare(LayerWeights tensors, Backend backend) {
    return new Layer(
        vector(tensors.attentionNorm()),
        backend.prepare(List.of(tensors.query(), tensors.key(), tensors.value())),
        backend.prepare(List.of(tensors.attentionOutput())),
        vector(tensors.feedForwardNorm()),
        backend.prepare(List.of(tensors.gate(), tensors.up())),
        backend.prepare(List.of(tensors.down())));
  }

  /** Padded with zeros as activations are. */
  static float[] vector(Tensor tensor) {
    float[] values = new float[Activations.padded(tensor.columns())];
    tensor.decodeRow(0, values);
    return values;
  }

  long bytes() {
    return qkv.bytes() + attentionOutput.bytes() + gateUp.bytes() + down.bytes();
  }

  @Override
  public void close() {
    qkv.close();
    attentionOutput.close();
    gateUp.close();
    down.close();
  }
}
