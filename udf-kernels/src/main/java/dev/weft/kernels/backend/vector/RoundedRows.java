package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Rows of activations as integers in blocks of 32 columns that share a scale: {@code x} of a block
 * with the greatest magnitude m becomes {@code round(x / d)}, half to even, with {@code d = m /
 * 255}, so that it is off by at most {@code m / 510}, half of what 8 bits would leave; d is at
 * least 2^-126. How a row is rounded depends on nothing but its block. A value that is not finite
 * makes its block's scale not finite.
 */
final class RoundedRows {
  /** Columns of a block. */
  static final int BLOCK = 32;

  /** Pairs of a block's columns i and i + 16, in the halves of an int. */
  static final int PAIRS = BLOCK / 2;

  private static final int LARGEST = 255;

  /** Adding it leaves a small integer in the lowest bits of the fraction, rounded half to even. */
  private static final float ROUND = 0x1.8p23f;

  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

  private final WorkerPool pool;
  private final WorkerPool.Job round = this::roundFour;

  /** A block's pairs, of each worker. */
  private final int[][] together;

  private HostActivations input;
  private int rows;
  private int blocks;

  /** {@code [row / 4][block][pair][row % 4]}. */
  private int[] pairs = new int[0];

  /** {@code [row / 4][block][row % 4]}. */
  private float[] scales = new float[0];

  /** As scales: -8 times the sum of each half of the block. */
  private int[] offsets = new int[0];

  /** As scales: the sum of the block, times its scale. */
  private float[] sums = new float[0];

  RoundedRows(WorkerPool pool) {
    this.pool = pool;
    together = new int[pool.threads()][PAIRS];
  }

  /** Rounds the first rows, whose columns are whole blocks. */
  void round(HostActivations x, int rowCount) {
    input = x;
    rows = rowCount;
    blocks = x.columns() / BLOCK;
    int quads = Math.ceilDiv(rowCount, Unit.QUAD);
    int perBlock = Math.multiplyExact(quads * Unit.QUAD, blocks);
    if (scales.length < perBlock) {
      pairs = new int[Math.multiplyExact(perBlock, PAIRS)];
      scales = new float[perBlock];
      offsets = new int[perBlock];
      sums = new float[perBlock];
    }
    pool.forEachAlike(quads, round);
  }

  int[] pairs() {
    return pairs;
  }

  float[] scales() {
    return scales;
  }

  int[] offsets() {
    return offsets;
  }

  float[] sums() {
    return sums;
  }

  /** Where a row's first pair is; the next ones follow {@link Unit#QUAD} apart. */
  int pairAt(int row) {
    return row / Unit.QUAD * blocks * PAIRS * Unit.QUAD + row % Unit.QUAD;
  }

  /** Where a row's first scale is; the next ones follow {@link Unit#QUAD} apart. */
  int scaleAt(int row) {
    return row / Unit.QUAD * blocks * Unit.QUAD + row % Unit.QUAD;
  }

  private void roundFour(int quad, int worker) {
    int first = quad * Unit.QUAD;
    int end = Math.min(rows, first + Unit.QUAD);
    for (int row = first; row < end; row++) {
      roundRow(input.data(), row * input.stride(), pairAt(row), scaleAt(row), together[worker]);
    }
  }

  private void roundRow(float[] x, int xAt, int pairsAt, int scalesAt, int[] block) {
    for (int b = 0; b < blocks; b++) {
      int at = xAt + b * BLOCK;
      FloatVector most = FloatVector.zero(Lanes.F);
      for (int i = 0; i < BLOCK; i += Lanes.COUNT) {
        most = most.max(FloatVector.fromArray(Lanes.F, x, at + i).abs());
      }
      float scale = Math.max(most.reduceLanes(VectorOperators.MAX) / LARGEST, Float.MIN_NORMAL);
      IntVector lows = IntVector.zero(Lanes.I);
      IntVector highs = lows;
      for (int i = 0; i < PAIRS; i += Lanes.COUNT) {
        IntVector low = integers(x, at + i, scale);
        IntVector high = integers(x, at + PAIRS + i, scale);
        lows = lows.add(low);
        highs = highs.add(high);
        low.and(0xffff).or(high.lanewise(VectorOperators.LSHL, 16)).intoArray(block, i);
      }
      int to = pairsAt + b * PAIRS * Unit.QUAD;
      for (int i = 0; i < PAIRS; i++) {
        pairs[to + i * Unit.QUAD] = block[i];
      }
      int low = lows.reduceLanes(VectorOperators.ADD);
      int high = highs.reduceLanes(VectorOperators.ADD);
      int place = scalesAt + b * Unit.QUAD;
      scales[place] = scale;
      offsets[place] = -8 * low & 0xffff | -8 * high << 16;
      sums[place] = (low + high) * scale;
    }
  }

  private static IntVector integers(float[] x, int at, float scale) {
    FloatVector quotients = FloatVector.fromArray(Lanes.F, x, at).div(scale);
    return quotients.add(ROUND).reinterpretAsInts().sub(ROUND_BITS);
  }
}
