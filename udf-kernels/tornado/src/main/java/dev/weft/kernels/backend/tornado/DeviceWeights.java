package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Weights;
import java.util.List;

/** Matrices that share an input, in the weight arrays of the device. */
final class DeviceWeights implements Weights {
  /**
   * One matrix.
   *
   * @param column first column of its products
   * @param outputs columns of its products, up to a multiple of the padding
   */
  record Part(WeightStore.Matrix matrix, int column, int outputs) {}

  private final WeightStore store;
  private final int inputs;
  private final int outputs;
  private final List<Part> parts;
  private final boolean tensorCores;

  DeviceWeights(WeightStore store, int inputs, int outputs, List<Part> parts, boolean tensorCores) {
    this.store = store;
    this.inputs = inputs;
    this.outputs = outputs;
    this.parts = List.copyOf(parts);
    this.tensorCores = tensorCores;
  }

  List<Part> parts() {
    return parts;
  }

  @Override
  public int inputs() {
    return inputs;
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public int firstColumn(int matrix) {
    return parts.get(matrix).column();
  }

  @Override
  public boolean roundsToHalf() {
    return tensorCores && parts.stream().anyMatch(p -> TensorKernels.takes(p.matrix().format()));
  }

  @Override
  public long bytes() {
    return parts.stream().mapToLong(p -> p.matrix().bytes()).sum();
  }

  @Override
  public void close() {
    parts.forEach(p -> store.release(p.matrix()));
  }
}
