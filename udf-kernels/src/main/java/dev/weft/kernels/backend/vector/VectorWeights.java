package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.model.Tensor;
import java.util.List;

/** Repacked matrices that share an input, and the units of work over them. */
final class VectorWeights implements Weights {
  private final PackedMatrix[] matrices;
  private final int[] firstColumns;
  private final int inputs;
  private final int outputs;

  /** Matrix and first group of each unit. */
  private final int[] unitMatrix;

  private final int[] unitGroup;

  VectorWeights(List<Tensor> tensors, MemoryBudget budget, WorkerPool pool) {
    inputs = tensors.getFirst().columns();
    matrices = new PackedMatrix[tensors.size()];
    firstColumns = new int[tensors.size()];
    int column = 0;
    int units = 0;
    try {
      for (int m = 0; m < matrices.length; m++) {
        Tensor tensor = tensors.get(m);
        if (tensor.columns() != inputs) {
          throw new IllegalArgumentException(
              "tensor " + tensor.name() + " has " + tensor.columns() + " columns, not " + inputs);
        }
        matrices[m] = PackedMatrix.pack(tensor, budget, pool);
        firstColumns[m] = column;
        column += Activations.padded(tensor.rows());
        units += unitsOf(matrices[m]);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    outputs = column;
    unitMatrix = new int[units];
    unitGroup = new int[units];
    int unit = 0;
    for (int m = 0; m < matrices.length; m++) {
      for (int u = 0; u < unitsOf(matrices[m]); u++) {
        unitMatrix[unit] = m;
        unitGroup[unit++] = u * PackedMatrix.UNIT_GROUPS;
      }
    }
  }

  private static int unitsOf(PackedMatrix matrix) {
    return (matrix.groups() + PackedMatrix.UNIT_GROUPS - 1) / PackedMatrix.UNIT_GROUPS;
  }

  int units() {
    return unitMatrix.length;
  }

  PackedMatrix matrixOf(int unit) {
    return matrices[unitMatrix[unit]];
  }

  /** First group of a unit in its matrix. */
  int firstGroup(int unit) {
    return unitGroup[unit];
  }

  /** Output column of the first group of a unit. */
  int columnOf(int unit) {
    return firstColumns[unitMatrix[unit]] + unitGroup[unit] * Lanes.COUNT;
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
    return firstColumns[matrix];
  }

  @Override
  public long bytes() {
    long bytes = 0;
    for (PackedMatrix matrix : matrices) {
      bytes += matrix.data().byteSize();
    }
    return bytes;
  }

  @Override
  public void close() {
    for (PackedMatrix matrix : matrices) {
      if (matrix != null) {
        matrix.memory().close();
      }
    }
  }
}
