package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * Products of packed weights with rows of activations. A chunk of work is a unit of weights times a
 * block of tokens. Very few tokens are multiplied while weights are decoded. For more, weights are
 * decoded once, tile by tile along the inner dimension, into a scratch that stays in the
 * first-level cache, and multiplied with four tokens at a time, whose activations were brought
 * together before. All units of a block follow each other: its activations, which are more than a
 * unit's weights, stay in the second-level cache.
 */
final class Matmul {
  private static final int TOKEN_BLOCK = 128;

  /** Columns of a tile; decoded, a unit's take 32 KiB at 512 bits, 16 KiB at 256 bits. */
  private static final int TILE = 128;

  /** Scratch bytes that each worker needs. */
  static final long SCRATCH_BYTES = (long) TILE * Unit.STEP_BYTES;

  /** Most tokens that are multiplied while weights are decoded, where none are measured. */
  static final int AT_ONCE = 2;

  private final WorkerPool pool;
  private final MemorySegment[] scratch;
  private final Apart kernels = new Apart();
  private final WorkerPool.Job multiply = this::multiply;
  private final WorkerPool.Job interleave = this::interleave;
  private VectorWeights weights;
  private HostActivations input;
  private HostActivations output;
  private int rows;

  /** Most tokens that are multiplied at once, by format. */
  private ToIntFunction<PackedFormat> mostAtOnce = format -> AT_ONCE;

  /** Rows in fours: {@code [quad][columns][Unit.QUAD]}. */
  private float[] quads = new float[0];

  /**
   * @param scratch of each worker, {@link #SCRATCH_BYTES}
   */
  Matmul(WorkerPool pool, MemorySegment[] scratch) {
    this.pool = pool;
    this.scratch = scratch;
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
    input = x;
    output = out;
    rows = rowCount;
    int tokenBlocks = (rowCount + TOKEN_BLOCK - 1) / TOKEN_BLOCK;
    int quadCount = quadsOf(rowCount);
    int elements = Math.multiplyExact(quadCount * Unit.QUAD, w.inputs());
    if (quads.length < elements) {
      quads = new float[elements];
    }
    pool.forEach(quadCount, interleave);
    pool.forEach(w.units() * tokenBlocks, multiply);
  }

  /** Groups of four rows; three rows are one with a row twice, one or two are left over. */
  private static int quadsOf(int rowCount) {
    return (rowCount + 1) / Unit.QUAD;
  }

  private void interleave(int quad, int worker) {
    float[] x = input.data();
    int columns = weights.inputs();
    int first = quad * Unit.QUAD;
    int to = first * columns;
    int x0 = first * input.stride();
    int x1 = x0 + input.stride();
    int x2 = x1 + input.stride();
    int x3 = Math.min(first + 3, rows - 1) * input.stride();
    for (int i = 0; i < columns; i++) {
      quads[to + 4 * i] = x[x0 + i];
      quads[to + 4 * i + 1] = x[x1 + i];
      quads[to + 4 * i + 2] = x[x2 + i];
      quads[to + 4 * i + 3] = x[x3 + i];
    }
  }

  private void multiply(int chunk, int worker) {
    int unit = chunk % weights.units();
    int firstRow = chunk / weights.units() * TOKEN_BLOCK;
    int blockRows = Math.min(rows - firstRow, TOKEN_BLOCK);
    PackedMatrix matrix = weights.matrixOf(unit);
    PackedFormat format = matrix.format();
    long first = Lanes.address(matrix.data()) + matrix.offset(weights.unitInMatrix(unit), 0);
    int groups = matrix.groups(weights.unitInMatrix(unit));
    int column = weights.columnOf(unit);
    if (format.multipliesRows() && blockRows <= mostAtOnce.applyAsInt(format)) {
      for (int row = firstRow; row < firstRow + blockRows; row++) {
        int in = row * input.stride();
        int out = row * output.stride() + column;
        kernels.multiplyRow(
            format, first, matrix.columns(), input.data(), in, output.data(), out, groups);
      }
      return;
    }
    long tile = Lanes.address(scratch[worker]);
    for (int k = 0; k < matrix.columns(); k += TILE) {
      int count = Math.min(TILE, matrix.columns() - k);
      long packed = first + format.bytes(k);
      if (format instanceof PackedF32) {
        multiplyTile(packed, groups, k, count, column, firstRow, blockRows);
      } else {
        kernels.decode(format, packed, count, tile);
        multiplyTile(tile, groups, k, count, column, firstRow, blockRows);
      }
    }
  }

  /**
   * Multiplies a decoded tile with the rows of a block.
   *
   * @param w address of the tile
   * @param k its first column
   */
  private void multiplyTile(
      long w, int groups, int k, int count, int column, int firstRow, int blockRows) {
    int quadCount = quadsOf(blockRows);
    int stride = output.stride();
    for (int quad = 0; quad < quadCount; quad++) {
      int row = firstRow + quad * Unit.QUAD;
      int in = row * weights.inputs() + k * Unit.QUAD;
      int o0 = row * stride + column;
      int o3 = Math.min(row + 3, firstRow + blockRows - 1) * stride + column;
      for (int g = 0; g < groups; g += 2) {
        int at = g * Lanes.COUNT;
        Unit.fourRows(
            w + g * Lanes.BYTES,
            count,
            quads,
            in,
            output.data(),
            o0 + at,
            o0 + stride + at,
            o0 + 2 * stride + at,
            o3 + at,
            g + 1 < groups ? Lanes.COUNT : 0,
            k == 0);
      }
    }
    for (int row = firstRow + quadCount * Unit.QUAD; row < firstRow + blockRows; row++) {
      int in = row * input.stride() + k;
      int out = row * stride + column;
      kernels.oneRow(w, count, input.data(), in, output.data(), out, groups, k == 0);
    }
  }
}
