package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import java.lang.foreign.MemorySegment;

/**
 * Units of weights that are decoded to f32, times f32 activations. Very few tokens are multiplied
 * while weights are decoded. For more, weights are decoded once, tile by tile along the inner
 * dimension, into a scratch that stays in the first-level cache, and multiplied with four tokens at
 * a time, whose activations were brought together before.
 */
final class FloatProducts {
  /** Columns of a tile; decoded, a unit's take 32 KiB at 512 bits, 16 KiB at 256 bits. */
  private static final int TILE = 128;

  /** Scratch bytes that each worker needs. */
  static final long SCRATCH_BYTES = (long) TILE * Unit.STEP_BYTES;

  private final WorkerPool pool;
  private final MemorySegment[] scratch;
  private final Apart kernels;
  private final WorkerPool.Job interleave = this::interleave;
  private HostActivations input;
  private int rows;

  /** Rows in fours: {@code [quad][columns][Unit.QUAD]}. */
  private float[] quads = new float[0];

  FloatProducts(WorkerPool pool, MemorySegment[] scratch, Apart kernels) {
    this.pool = pool;
    this.scratch = scratch;
    this.kernels = kernels;
  }

  /** Takes the input of the products that follow. */
  void prepare(HostActivations x, int rowCount) {
    input = x;
    rows = rowCount;
    int quadCount = quadsOf(rowCount);
    int elements = Math.multiplyExact(quadCount * Unit.QUAD, x.columns());
    if (quads.length < elements) {
      quads = new float[elements];
    }
    pool.forEach(quadCount, interleave);
  }

  /** Groups of four rows; three rows are one with a row twice, one or two are left over. */
  private static int quadsOf(int rowCount) {
    return (rowCount + 1) / Unit.QUAD;
  }

  private void interleave(int quad, int worker) {
    float[] x = input.data();
    int columns = input.columns();
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

  /**
   * Multiplies a unit with a block of rows.
   *
   * @param mostAtOnce most rows that are multiplied with weights as they lie
   * @param column of {@code out} where the unit's outputs go
   */
  void multiply(
      DecodedFormat format,
      PackedMatrix matrix,
      int unit,
      int firstRow,
      int blockRows,
      int mostAtOnce,
      HostActivations out,
      int column,
      int worker) {
    long first = matrix.address(unit);
    int groups = matrix.groups(unit);
    if (blockRows <= mostAtOnce) {
      for (int row = firstRow; row < firstRow + blockRows; row++) {
        int in = row * input.stride();
        int to = row * out.stride() + column;
        kernels.multiplyRow(
            format, first, matrix.columns(), input.data(), in, out.data(), to, groups);
      }
      return;
    }
    long tile = Lanes.address(scratch[worker]);
    for (int k = 0; k < matrix.columns(); k += TILE) {
      int count = Math.min(TILE, matrix.columns() - k);
      long packed = first + format.bytes(k);
      if (format instanceof PackedF32) {
        multiplyTile(packed, groups, k, count, out, column, firstRow, blockRows);
      } else {
        kernels.decode(format, packed, count, tile);
        multiplyTile(tile, groups, k, count, out, column, firstRow, blockRows);
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
      long w,
      int groups,
      int k,
      int count,
      HostActivations output,
      int column,
      int firstRow,
      int blockRows) {
    int quadCount = quadsOf(blockRows);
    int stride = output.stride();
    for (int quad = 0; quad < quadCount; quad++) {
      int row = firstRow + quad * Unit.QUAD;
      int in = row * input.columns() + k * Unit.QUAD;
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
