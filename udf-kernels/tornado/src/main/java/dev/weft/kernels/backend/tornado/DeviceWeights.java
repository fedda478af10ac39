package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Weights;
import java.util.List;

/** Matrices that share an input, in the weight arrays of the device. */
final class DeviceWeights implements Weights {
  /**
   * One product.
   *
   * @param matrix a matrix, or several on top of each other
   * @param column first column of the products
   * @param outputs columns of the products, up to a multiple of the padding
   */
  record Part(WeightStore.Matrix matrix, int column, int outputs) {}

  private final WeightStore store;
  private final int inputs;
  private final int[] columns;
  private final List<Part> parts;
  private final boolean tensorCores;

  /**
   * @param columns where the products of each matrix begin, and where the last ones end
   */
  DeviceWeights(
      WeightStore store, int inputs, int[] columns, List<Part> parts, boolean tensorCores) {
    this.store = store;
    this.inputs = inputs;
    this.columns = columns.clone();
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
    return columns[columns.length - 1];
  }

  @Override
  public int firstColumn(int matrix) {
    return columns[matrix];
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
