package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import java.lang.foreign.MemorySegment;

/**
 * Products of packed weights with rows of activations. A chunk of work is a unit of four groups of
 * weight rows times a block of tokens: tile by tile along the inner dimension, weights are decoded
 * to f32 once into a scratch that stays in the first-level cache, and multiplied with all tokens of
 * the block. One token uses the same tiles with the one-row kernel.
 */
final class Matmul implements WorkerPool.Job {
  private static final int TOKEN_BLOCK = 128;
  private static final int GROUP_TILE_BYTES = PackedMatrix.TILE * Lanes.BYTES;

  /** Scratch bytes that each worker needs. */
  static final long SCRATCH_BYTES = (long) PackedMatrix.UNIT_GROUPS * GROUP_TILE_BYTES;

  private final WorkerPool pool;
  private final MemorySegment[] scratch;
  private VectorWeights weights;
  private HostActivations input;
  private HostActivations output;
  private int rows;
  private int tokenBlocks;

  /**
   * @param scratch of each worker, {@link #SCRATCH_BYTES}
   */
  Matmul(WorkerPool pool, MemorySegment[] scratch) {
    this.pool = pool;
    this.scratch = scratch;
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
    tokenBlocks = (rowCount + TOKEN_BLOCK - 1) / TOKEN_BLOCK;
    pool.forEach(w.units() * tokenBlocks, this);
  }

  @Override
  public void run(int chunk, int worker) {
    int unit = chunk / tokenBlocks;
    int firstRow = chunk % tokenBlocks * TOKEN_BLOCK;
    int endRow = Math.min(rows, firstRow + TOKEN_BLOCK);
    PackedMatrix matrix = weights.matrixOf(unit);
    PackedFormat format = matrix.format();
    int firstGroup = weights.firstGroup(unit);
    int groups = Math.min(PackedMatrix.UNIT_GROUPS, matrix.groups() - firstGroup);
    int column = weights.columnOf(unit);
    MemorySegment tile = scratch[worker];
    for (int k = 0; k < matrix.columns(); k += PackedMatrix.TILE) {
      int count = matrix.tile(k);
      long from = matrix.chunk(firstGroup, k);
      long chunkBytes = format.chunkBytes(count);
      if (format instanceof PackedF32) {
        multiply(matrix.data(), from, chunkBytes, groups, k, count, column, firstRow, endRow);
      } else {
        for (int g = 0; g < groups; g++) {
          long at = (long) g * GROUP_TILE_BYTES;
          format.decode(matrix.data(), from + g * chunkBytes, count, tile, at);
        }
        multiply(tile, 0, GROUP_TILE_BYTES, groups, k, count, column, firstRow, endRow);
      }
    }
  }

  /** Multiplies a tile of f32 weights {@code [groups][count][lanes]} with the rows of a block. */
  private void multiply(
      MemorySegment w,
      long from,
      long groupStride,
      int groups,
      int k,
      int count,
      int column,
      int firstRow,
      int endRow) {
    int last = groups - 1;
    int quads = (endRow - firstRow + 1) / 4 * 4;
    for (int g = 0; g < groups; g += 2) {
      long at = from + g * groupStride;
      int second = Math.min(g + 1, last) - g;
      for (int row = firstRow; row < firstRow + quads; row += 4) {
        int out = column + g * Lanes.COUNT;
        twoByFour(w, at, second, groupStride, k, count, out, row, endRow - 1);
      }
    }
    int g1 = Math.min(1, last);
    int g2 = Math.min(2, last);
    for (int row = firstRow + quads; row < endRow; row++) {
      int out = row * output.stride() + column;
      Fma.fourByOne(
          w,
          from,
          from + g1 * groupStride,
          from + g2 * groupStride,
          from + last * groupStride,
          count,
          input.data(),
          row * input.stride() + k,
          output.data(),
          out,
          out + g1 * Lanes.COUNT,
          out + g2 * Lanes.COUNT,
          out + last * Lanes.COUNT,
          k == 0);
    }
  }

  private void twoByFour(
      MemorySegment w,
      long at,
      int second,
      long groupStride,
      int k,
      int count,
      int column,
      int row,
      int lastRow) {
    int row1 = Math.min(row + 1, lastRow);
    int row2 = Math.min(row + 2, lastRow);
    int row3 = Math.min(row + 3, lastRow);
    int in = input.stride();
    int out = output.stride();
    Fma.twoByFour(
        w,
        at,
        at + second * groupStride,
        count,
        input.data(),
        row * in + k,
        row1 * in + k,
        row2 * in + k,
        row3 * in + k,
        output.data(),
        row * out + column,
        row1 * out + column,
        row2 * out + column,
        row3 * out + column,
        second * Lanes.COUNT,
        k == 0);
  }
}
