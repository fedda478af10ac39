package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import java.lang.foreign.MemorySegment;

/**
 * Units of weights of four bits times rounded activations. Few tokens are multiplied with weights
 * as they lie. For more, weights become integers of 16 bits once, tile by tile along the inner
 * dimension, and are multiplied with four tokens at a time.
 */
final class NibbleProducts {
  /** Scratch bytes that each worker needs, for a tile: half of a first-level cache. */
  static final long SCRATCH_BYTES = 16 << 10;

  /** Blocks of a tile. */
  private static final int TILE_BLOCKS = (int) (SCRATCH_BYTES / PackedNibbles.DECODED_BYTES);

  private final MemorySegment[] scratch;
  private final short[][] sums;

  private final Apart kernels;
  private final RoundedRows input;

  NibbleProducts(WorkerPool pool, MemorySegment[] scratch, Apart kernels) {
    this.scratch = scratch;
    this.kernels = kernels;
    sums = new short[pool.threads()][PackedNibbles.SUMS];
    input = new RoundedRows(pool);
  }

  /** Takes the input of the products that follow. */
  void prepare(HostActivations x, int rowCount) {
    input.round(x, rowCount);
  }

  /**
   * Adds the products of a unit with a block of rows.
   *
   * @param mostAtOnce most rows that are multiplied with weights as they lie
   * @param outputs {@code [row][Unit.ROWS]}, with room for a multiple of four rows
   */
  void add(
      PackedNibbles format,
      PackedMatrix matrix,
      int unit,
      int firstRow,
      int blockRows,
      int mostAtOnce,
      float[] outputs,
      int worker) {
    long first = matrix.address(unit);
    int blockBytes = format.blockBytes();
    int blocks = matrix.columns() / PackedNibbles.BLOCK;
    int groups = matrix.groups(unit);
    // Of the last four rows of a block, few that are wanted go as they would alone.
    int inFours = blockRows <= mostAtOnce ? 0 : blockRows;
    int rest = inFours % Unit.QUAD;
    inFours -= rest <= mostAtOnce ? rest : 0;
    long tile = Lanes.address(scratch[worker]);
    for (int b = 0; b < blocks && inFours > 0; b += TILE_BLOCKS) {
      int count = Math.min(TILE_BLOCKS, blocks - b);
      long packed = first + format.bytes(b * PackedNibbles.BLOCK);
      kernels.decodeNibbles(packed, blockBytes, count, tile);
      for (int row = 0; row < inFours; row += Unit.QUAD) {
        for (int g = 0; g < groups; g += 2) {
          long bytes = (long) g * Lanes.BYTES;
          int at = row * Unit.ROWS + g * Lanes.COUNT;
          PackedNibbles.addFourRows(
              tile + bytes,
              packed + bytes,
              blockBytes,
              b,
              count,
              input,
              firstRow + row,
              sums[worker],
              outputs,
              at);
        }
      }
    }
    for (int row = inFours; row < blockRows; row++) {
      int at = row * Unit.ROWS;
      kernels.addNibbleRow(
          first, blockBytes, blocks, input, firstRow + row, sums[worker], outputs, at);
    }
    if (format.hasAddends()) {
      long addends = first + PackedNibbles.GROUPS_BYTES;
      for (int row = 0; row < blockRows; row++) {
        int at = row * Unit.ROWS;
        kernels.addAddends(addends, blockBytes, blocks, input, firstRow + row, outputs, at);
      }
    }
  }
}
