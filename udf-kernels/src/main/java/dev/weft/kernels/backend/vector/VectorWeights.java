package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.model.Tensor;
import java.util.Arrays;
import java.util.List;

/** Repacked matrices that share an input, and the units of work over them. */
final class VectorWeights implements Weights {
  private final PackedMatrix[] matrices;
  private final int[] firstColumns;
  private final int inputs;
  private final int outputs;
  private final boolean holdsDecoded;
  private final boolean holdsNibbles;

  /** Matrix of each unit, and its number there. */
  private final int[] unitMatrix;

  private final int[] unitInMatrix;

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
        tensor.unload();
        firstColumns[m] = column;
        column += Activations.padded(tensor.rows());
        units += matrices[m].units();
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    outputs = column;
    holdsDecoded = Arrays.stream(matrices).anyMatch(m -> m.format() instanceof DecodedFormat);
    holdsNibbles = Arrays.stream(matrices).anyMatch(m -> m.format() instanceof PackedNibbles);
    unitMatrix = new int[units];
    unitInMatrix = new int[units];
    int unit = 0;
    for (int m = 0; m < matrices.length; m++) {
      for (int u = 0; u < matrices[m].units(); u++) {
        unitMatrix[unit] = m;
        unitInMatrix[unit++] = u;
      }
    }
  }

  /** Whether a matrix is multiplied with f32 activations. */
  boolean holdsDecoded() {
    return holdsDecoded;
  }

  int units() {
    return unitMatrix.length;
  }

  int matrices() {
    return matrices.length;
  }

  PackedMatrix matrix(int number) {
    return matrices[number];
  }

  /** Number of the matrix that a unit belongs to. */
  int matrixOf(int unit) {
    return unitMatrix[unit];
  }

  /** Number of a unit in its matrix. */
  int unitInMatrix(int unit) {
    return unitInMatrix[unit];
  }

  /** First output column of a unit. */
  int columnOf(int unit) {
    return firstColumns[unitMatrix[unit]] + unitInMatrix[unit] * Unit.ROWS;
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
  public boolean roundsActivations() {
    return holdsNibbles;
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
