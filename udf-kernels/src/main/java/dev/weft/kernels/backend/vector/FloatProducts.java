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

  /**
   * Columns of a tile that few rows are multiplied with. Most of their time goes into decoding, and
   * what is decoded must leave room in the cache for the weights that the core reads ahead.
   */
  private static final int SHORT_TILE = 32;

  /** Most rows that are few. */
  private static final int FEW_ROWS = 16;

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
    pool.forEachAlike(quadCount, interleave);
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
   * Adds the products of a unit with a block of rows.
   *
   * @param mostAtOnce most rows that are multiplied with weights as they lie
   * @param outputs {@code [row][Unit.ROWS]}, with room for a multiple of four rows
   */
  void add(
      DecodedFormat format,
      PackedMatrix matrix,
      int unit,
      int firstRow,
      int blockRows,
      int mostAtOnce,
      float[] outputs,
      int worker) {
    long first = matrix.address(unit);
    if (blockRows <= mostAtOnce) {
      for (int row = 0; row < blockRows; row++) {
        int in = (firstRow + row) * input.stride();
        int at = row * Unit.ROWS;
        kernels.addRow(format, first, matrix.columns(), input.data(), in, outputs, at);
      }
      return;
    }
    long tile = Lanes.address(scratch[worker]);
    int groups = matrix.groups(unit);
    int most = blockRows <= FEW_ROWS ? SHORT_TILE : TILE;
    for (int k = 0; k < matrix.columns(); k += most) {
      int count = Math.min(most, matrix.columns() - k);
      long packed = first + format.bytes(k);
      if (format instanceof PackedF32) {
        addTile(packed, groups, k, count, firstRow, blockRows, outputs);
      } else {
        kernels.decode(format, packed, count, tile);
        addTile(tile, groups, k, count, firstRow, blockRows, outputs);
      }
    }
  }

  /**
   * Adds the products of a decoded tile with the rows of a block.
   *
   * @param w address of the tile
   * @param k its first column
   */
  private void addTile(
      long w, int groups, int k, int count, int firstRow, int blockRows, float[] outputs) {
    int inFours = quadsOf(blockRows) * Unit.QUAD;
    for (int row = 0; row < inFours; row += Unit.QUAD) {
      int in = (firstRow + row) * input.columns() + k * Unit.QUAD;
      for (int g = 0; g < groups; g += 2) {
        int at = row * Unit.ROWS + g * Lanes.COUNT;
        Unit.addFourRows(w + (long) g * Lanes.BYTES, count, quads, in, outputs, at);
      }
    }
    for (int row = inFours; row < blockRows; row++) {
      int in = (firstRow + row) * input.stride() + k;
      kernels.addTileRow(w, count, input.data(), in, outputs, row * Unit.ROWS);
    }
  }
}
