package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * Products of packed weights with rows of activations. A chunk of work is a unit of weights times a
 * block of tokens. All units of a block follow each other: its activations, which are more than a
 * unit's weights, stay in the second-level cache. How a unit is multiplied is its format's affair.
 */
final class Matmul {
  /** Tokens of a chunk, a multiple of {@link Unit#QUAD}. */
  static final int TOKEN_BLOCK = 128;

  /** Scratch bytes that each worker needs. */
  static final long SCRATCH_BYTES =
      Math.max(FloatProducts.SCRATCH_BYTES, NibbleProducts.SCRATCH_BYTES);

  /** Most tokens that are multiplied with weights as they lie, where none are measured. */
  static final int AT_ONCE = 2;

  private final WorkerPool pool;
  private final FloatProducts floats;
  private final NibbleProducts nibbles;
  private final WorkerPool.Job multiply = this::multiply;

  /** A unit's outputs of a block of tokens {@code [token][Unit.ROWS]}, of each worker. */
  private final float[][] unitOutputs;

  private VectorWeights weights;
  private HostActivations output;
  private int rows;

  /** Most tokens that are multiplied with weights as they lie, by format. */
  private ToIntFunction<PackedFormat> mostAtOnce = format -> AT_ONCE;

  /** The same of each matrix of the product at hand: a unit is too little work to look it up. */
  private int[] atOnce = new int[4];

  /**
   * @param scratch of each worker, {@link #SCRATCH_BYTES}
   */
  Matmul(WorkerPool pool, MemorySegment[] scratch) {
    this.pool = pool;
    Apart kernels = new Apart();
    floats = new FloatProducts(pool, scratch, kernels);
    unitOutputs = new float[pool.threads()][TOKEN_BLOCK * Unit.ROWS];
    nibbles = new NibbleProducts(pool, scratch, kernels);
  }

  /** Changes how many tokens are multiplied at once, which changes no bit. */
  void mostAtOnce(int tokens) {
    mostAtOnce = format -> tokens;
  }

  /** The same for some formats; others keep what is usual. */
  void mostAtOnce(Map<PackedFormat, Integer> tokens) {
    mostAtOnce = format -> tokens.getOrDefault(format, AT_ONCE);
  }

  void compute(VectorWeights w, HostActivations x, int rowCount, HostActivations out) {
    if (x.columns() != w.inputs()
        || out.columns() < w.outputs()
        || rowCount > x.rows()
        || rowCount > out.rows()) {
      throw new IllegalArgumentException(
          "weights "
              + w.inputs()
              + " -> "
              + w.outputs()
              + " on "
              + rowCount
              + " rows of "
              + x.rows()
              + " x "
              + x.columns()
              + " to "
              + out.rows()
              + " x "
              + out.columns());
    }
    weights = w;
    output = out;
    rows = rowCount;
    if (atOnce.length < w.matrices()) {
      atOnce = new int[w.matrices()];
    }
    for (int m = 0; m < w.matrices(); m++) {
      PackedFormat format = w.matrix(m).format();
      atOnce[m] = format.multipliesRows() ? mostAtOnce.applyAsInt(format) : 0;
    }
    if (w.holdsDecoded()) {
      floats.prepare(x, rowCount);
    }
    if (w.roundsActivations()) {
      nibbles.prepare(x, rowCount);
    }
    int tokenBlocks = (rowCount + TOKEN_BLOCK - 1) / TOKEN_BLOCK;
    pool.forEachAlike(w.units() * tokenBlocks, multiply);
  }

  private void multiply(int chunk, int worker) {
    int unit = chunk % weights.units();
    int firstRow = chunk / weights.units() * TOKEN_BLOCK;
    int blockRows = Math.min(rows - firstRow, TOKEN_BLOCK);
    int number = weights.matrixOf(unit);
    PackedMatrix matrix = weights.matrix(number);
    int inMatrix = weights.unitInMatrix(unit);
    float[] outputs = unitOutputs[worker];
    Arrays.fill(outputs, 0, Math.ceilDiv(blockRows, Unit.QUAD) * Unit.QUAD * Unit.ROWS, 0f);
    int most = atOnce[number];
    switch (matrix.format()) {
      case DecodedFormat format ->
          floats.add(format, matrix, inMatrix, firstRow, blockRows, most, outputs, worker);
      case PackedNibbles format ->
          nibbles.add(format, matrix, inMatrix, firstRow, blockRows, most, outputs, worker);
    }
    int elements = matrix.groups(inMatrix) * Lanes.COUNT;
    for (int row = 0; row < blockRows; row++) {
      int at = (firstRow + row) * output.stride() + weights.columnOf(unit);
      System.arraycopy(outputs, row * Unit.ROWS, output.data(), at, elements);
    }
  }
}
