package dev.weft.kernels.backend.tornado;

import java.util.function.IntUnaryOperator;

/** Products on tensor cores, as calls of {@link TensorKernels}. */
final class TensorProducts {
  /** From this number of tokens on, reading weights once is worth tiles that are not full. */
  private static final int MANY = 2 * TensorKernels.FEW_TOKENS + 1;

  private final DeviceQueue queue;
  private final IntUnaryOperator scratch;
  private final int[] parameters = new int[Kernel.PARAMETERS];
  private int halvesAt;
  private int halvesCount;

  /**
   * @param scratch begin in the arena of room for a number of elements, until the next call
   */
  TensorProducts(DeviceQueue queue, IntUnaryOperator scratch) {
    this.queue = queue;
    this.scratch = scratch;
  }

  /**
   * Multiplies.
   *
   * @param between rows, begin and stride of the input, begin and stride of the output
   */
  void call(WeightStore.Matrix matrix, int outputs, int columns, int[] between) {
    int rows = between[0];
    int outputAt = between[3];
    int outputStride = between[4];
    // Now: making room below is a call of its own.
    System.arraycopy(between, 0, parameters, 0, 3);
    boolean many = rows >= MANY;
    int tokens = many ? TensorKernels.MANY_TOKENS : TensorKernels.FEW_TOKENS;
    int blocks = Math.ceilDiv(rows, tokens);
    int padded = blocks * tokens;
    int tiles = Math.ceilDiv(outputs, MatmulKernels.LANES);
    int slices = TensorKernels.slices(outputs, columns);
    int pairs = Math.ceilDiv(columns, TensorKernels.PADDING);
    int inner = pairs * TensorKernels.PADDING;
    int halvesAt = many ? halves(Math.multiplyExact(padded, inner / 2)) : 0;
    int sums = Math.multiplyExact(tiles * MatmulKernels.LANES * slices, padded);
    int sumsAt = scratch.applyAsInt(Math.addExact(sums, 2 * rows));
    int powersAt = sumsAt + sums;

    parameters[4] = powersAt;
    parameters[5] = columns;
    if (!powersByNorm(powersAt)) {
      queue.call(new Task(Kernel.ROW_POWERS, null, null, 0), parameters, rows, 1, false);
    }
    if (many) {
      int words = TensorKernels.TOKENS / 2 * inner;
      parameters[3] = halvesAt;
      parameters[6] = words;
      long count = (long) Math.ceilDiv(rows, TensorKernels.TOKENS) * words;
      queue.call(
          new Task(Kernel.TO_HALVES, null, null, 0),
          parameters,
          DevicePlan.groups(count),
          1,
          false);
      parameters[1] = halvesAt;
    }
    parameters[3] = sumsAt;
    parameters[7] = matrix.wordsAt();
    parameters[8] = matrix.floatsAt();
    parameters[9] = slices;
    parameters[10] = pairs;
    parameters[11] = padded;
    parameters[12] = tiles;
    queue.call(
        matrix.task(many ? Kernel.TENSOR_MANY : Kernel.TENSOR_FEW),
        parameters,
        blocks,
        Math.ceilDiv(outputs, TensorKernels.ROWS) * slices,
        false);

    parameters[1] = sumsAt;
    parameters[2] = padded;
    parameters[3] = outputAt;
    parameters[4] = outputStride;
    parameters[5] = slices;
    parameters[6] = outputs;
    parameters[7] = tiles;
    parameters[8] = powersAt;
    parameters[9] = -1;
    queue.call(
        new Task(Kernel.ADD_SLICES, null, null, 0),
        parameters,
        tiles,
        Math.ceilDiv(rows, MatmulKernels.LANES),
        false);
  }

  /** Whether the norm that was called last is what is multiplied, and now finds the powers too. */
  private boolean powersByNorm(int powersAt) {
    Task.Call call = queue.lastCall();
    if (call == null || call.task().kernel() != Kernel.RMS_NORM) {
      return false;
    }
    int[] norm = call.parameters();
    boolean sameRows = norm[0] == parameters[0];
    boolean sameInput = norm[3] == parameters[1] && norm[4] == parameters[2];
    if (!sameRows || !sameInput || norm[8] >= 0) {
      return false;
    }
    norm[8] = powersAt;
    return true;
  }

  /** Begin of room for that many words of two f16, until the next call. */
  private int halves(int count) {
    if (halvesCount < count) {
      if (halvesCount > 0) {
        queue.halves().give(halvesAt, halvesCount);
      }
      halvesCount = Integer.highestOneBit(count) * 2;
      halvesAt = queue.take(queue.halves(), halvesCount);
    }
    return halvesAt;
  }
}
