package dev.weft.kernels.backend.scalar;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import java.util.List;

/** Matrices as they are in the model file. */
record ScalarWeights(List<Tensor> matrices) implements Weights {
  @Override
  public int inputs() {
    return matrices.getFirst().columns();
  }

  @Override
  public int outputs() {
    return firstColumn(matrices.size());
  }

  @Override
  public int firstColumn(int matrix) {
    int column = 0;
    for (int i = 0; i < matrix; i++) {
      column += Activations.padded(matrices.get(i).rows());
    }
    return column;
  }

  @Override
  public long bytes() {
    return 0;
  }

  @Override
  public void close() {}
}
