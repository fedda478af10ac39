package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;
import static dev.weft.kernels.backend.vector.Lanes.S;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_0 in blocks of 32 columns, multiplied with activations that are rounded ({@link RoundedRows}).
 * A block has a vector of f32 scales for each group, then 16 vectors, of which the lower halves of
 * 32-bit lanes hold columns 0 to 15 and the upper halves columns 16 to 31, each the nibbles of the
 * four groups, lowest first.
 *
 * <p>A nibble u stands for u - 8, and {@code |u - 8| <= 8}, {@code |x| <= 255}: the sum of a half's
 * 16 products fits 16 bits, and may be formed modulo 2^16. Sums of blocks are exact in whatever
 * order, so that kernels differ in nothing; their products with both scales are added up in f32,
 * block by block.
 */
record PackedQ4() implements PackedFormat {
  /** Columns of a block. */
  static final int BLOCK = RoundedRows.BLOCK;

  /** Bytes of a block's integers of 16 bits, decoded {@code [pair of columns][groups][lanes]}. */
  static final long DECODED_BYTES = (long) RoundedRows.PAIRS * Unit.STEP_BYTES;

  private static final int PAIRS = RoundedRows.PAIRS;
  private static final int BLOCK_FILE_BYTES = 18;
  private static final int SCALES_BYTES = Unit.GROUPS * BYTES;
  private static final int BLOCK_BYTES = SCALES_BYTES + PAIRS * BYTES;
  private static final int HALVES = 2 * COUNT;

  /** Elements of the scratch in which a kernel leaves its sums. */
  static final int SUMS = 2 * Unit.QUAD * HALVES;

  @Override
  public long bytes(int columns) {
    return (long) columns / BLOCK * BLOCK_BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    int group = row / COUNT;
    long lane = (long) row % COUNT * Integer.BYTES;
    boolean finite = true;
    for (int b = 0; b < columns / BLOCK; b++) {
      long block = from + (long) b * BLOCK_FILE_BYTES;
      long place = at + (long) b * BLOCK_BYTES;
      float scale = Float.float16ToFloat(src.get(ValueLayout.JAVA_SHORT_UNALIGNED, block));
      finite &= Float.isFinite(scale);
      dst.set(ValueLayout.JAVA_FLOAT, place + (long) group * BYTES + lane, scale);
      long lanes = place + SCALES_BYTES + lane;
      for (int i = 0; i < PAIRS; i++) {
        int pair = src.get(ValueLayout.JAVA_BYTE, block + 2 + i);
        int halves = (pair & 15) << 4 * group | (pair >> 4 & 15) << 4 * group + 16;
        long to = lanes + (long) i * BYTES;
        dst.set(ValueLayout.JAVA_INT, to, dst.get(ValueLayout.JAVA_INT, to) | halves);
      }
    }
    return finite;
  }

  /** The nibbles of a group. */
  private static ShortVector nibbles(ShortVector all, int group) {
    ShortVector low = group == 0 ? all : all.lanewise(VectorOperators.LSHR, 4 * group);
    return group == 3 ? low : low.and((short) 15);
  }

  private static ShortVector halves(long at) {
    return ShortVector.fromMemorySegment(S, MEMORY, at, ORDER);
  }

  private static ShortVector pair(int x) {
    return IntVector.broadcast(I, x).reinterpretAsShorts();
  }

  /** Sums of both halves. */
  private static FloatVector total(short[] sums, int at) {
    IntVector both = ShortVector.fromArray(S, sums, at).reinterpretAsInts();
    IntVector low = both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
    IntVector high = both.lanewise(VectorOperators.ASHR, 16);
    return (FloatVector) low.add(high).convertShape(VectorOperators.I2F, F, 0);
  }

  /**
   * Decodes blocks of a unit to integers of 16 bits, {@link #DECODED_BYTES} each.
   *
   * @param read address of the first block
   */
  static void decode(long read, int blocks, long write) {
    for (int b = 0; b < blocks; b++) {
      long first = read + (long) b * BLOCK_BYTES + SCALES_BYTES;
      long to = write + b * DECODED_BYTES;
      for (int i = 0; i < PAIRS; i++) {
        ShortVector all = halves(first + (long) i * BYTES);
        long step = to + (long) i * Unit.STEP_BYTES;
        nibbles(all, 0).sub((short) 8).intoMemorySegment(MEMORY, step, ORDER);
        nibbles(all, 1).sub((short) 8).intoMemorySegment(MEMORY, step + BYTES, ORDER);
        nibbles(all, 2).sub((short) 8).intoMemorySegment(MEMORY, step + 2 * BYTES, ORDER);
        nibbles(all, 3).sub((short) 8).intoMemorySegment(MEMORY, step + 3 * BYTES, ORDER);
      }
    }
  }

  /**
   * Adds the products of a unit with one input row, undecoded. Subtracting 8 from nibbles is left
   * to where the sums begin.
   *
   * @param read address of the first block
   * @param row of {@code x}
   * @param sums scratch of {@link #SUMS}
   * @param out the unit's outputs of the row, from {@code at} on
   */
  static void addRow(
      long read, int blocks, RoundedRows x, int row, short[] sums, float[] out, int at) {
    int[] pairs = x.pairs();
    float[] scales = x.scales();
    int[] offsets = x.offsets();
    int pairsAt = x.pairAt(row);
    int scalesAt = x.scaleAt(row);
    for (int b = 0; b < blocks; b++) {
      long block = read + (long) b * BLOCK_BYTES;
      ShortVector a0 = pair(offsets[scalesAt + b * Unit.QUAD]);
      ShortVector a1 = a0;
      ShortVector a2 = a0;
      ShortVector a3 = a0;
      int first = pairsAt + b * PAIRS * Unit.QUAD;
      for (int i = 0; i < PAIRS; i++) {
        ShortVector v = pair(pairs[first + i * Unit.QUAD]);
        ShortVector all = halves(block + SCALES_BYTES + (long) i * BYTES);
        a0 = nibbles(all, 0).mul(v).add(a0);
        a1 = nibbles(all, 1).mul(v).add(a1);
        a2 = nibbles(all, 2).mul(v).add(a2);
        a3 = nibbles(all, 3).mul(v).add(a3);
      }
      a0.intoArray(sums, 0);
      a1.intoArray(sums, HALVES);
      a2.intoArray(sums, 2 * HALVES);
      a3.intoArray(sums, 3 * HALVES);
      FloatVector scale = FloatVector.broadcast(F, scales[scalesAt + b * Unit.QUAD]);
      for (int g = 0; g < Unit.GROUPS; g++) {
        int to = at + g * COUNT;
        FloatVector w = FloatVector.fromMemorySegment(F, MEMORY, block + (long) g * BYTES, ORDER);
        FloatVector sum = total(sums, g * HALVES).mul(w);
        sum.fma(scale, FloatVector.fromArray(F, out, to)).intoArray(out, to);
      }
    }
  }

  /**
   * Adds the products of two vectors of a unit with four input rows.
   *
   * @param tile address of the first vector, decoded
   * @param read address of the first vector's scales in the first block
   * @param firstBlock of the input
   * @param row first of {@code x}, a multiple of four
   * @param sums scratch of {@link #SUMS}
   * @param out the unit's outputs {@code [row][Unit.ROWS]}, those of the first vector and row from
   *     {@code at} on
   */
  static void addFourRows(
      long tile,
      long read,
      int firstBlock,
      int blocks,
      RoundedRows x,
      int row,
      short[] sums,
      float[] out,
      int at) {
    int[] pairs = x.pairs();
    float[] scales = x.scales();
    int pairsAt = x.pairAt(row) + firstBlock * PAIRS * Unit.QUAD;
    int scalesAt = x.scaleAt(row) + firstBlock * Unit.QUAD;
    for (int block = 0; block < blocks; block++) {
      ShortVector a0 = ShortVector.zero(S);
      ShortVector a1 = a0;
      ShortVector a2 = a0;
      ShortVector a3 = a0;
      ShortVector b0 = a0;
      ShortVector b1 = a0;
      ShortVector b2 = a0;
      ShortVector b3 = a0;
      long decoded = tile + block * DECODED_BYTES;
      int first = pairsAt + block * PAIRS * Unit.QUAD;
      for (int i = 0; i < PAIRS; i++) {
        ShortVector a = halves(decoded + (long) i * Unit.STEP_BYTES);
        ShortVector b = halves(decoded + (long) i * Unit.STEP_BYTES + BYTES);
        int four = first + i * Unit.QUAD;
        ShortVector v = pair(pairs[four]);
        a0 = a.mul(v).add(a0);
        b0 = b.mul(v).add(b0);
        v = pair(pairs[four + 1]);
        a1 = a.mul(v).add(a1);
        b1 = b.mul(v).add(b1);
        v = pair(pairs[four + 2]);
        a2 = a.mul(v).add(a2);
        b2 = b.mul(v).add(b2);
        v = pair(pairs[four + 3]);
        a3 = a.mul(v).add(a3);
        b3 = b.mul(v).add(b3);
      }
      a0.intoArray(sums, 0);
      b0.intoArray(sums, HALVES);
      a1.intoArray(sums, 2 * HALVES);
      b1.intoArray(sums, 3 * HALVES);
      a2.intoArray(sums, 4 * HALVES);
      b2.intoArray(sums, 5 * HALVES);
      a3.intoArray(sums, 6 * HALVES);
      b3.intoArray(sums, 7 * HALVES);
      long scaleOf = read + (long) block * BLOCK_BYTES;
      FloatVector wa = FloatVector.fromMemorySegment(F, MEMORY, scaleOf, ORDER);
      FloatVector wb = FloatVector.fromMemorySegment(F, MEMORY, scaleOf + BYTES, ORDER);
      for (int r = 0; r < Unit.QUAD; r++) {
        FloatVector scale = FloatVector.broadcast(F, scales[scalesAt + block * Unit.QUAD + r]);
        int to = at + r * Unit.ROWS;
        FloatVector a = total(sums, 2 * r * HALVES).mul(wa);
        FloatVector b = total(sums, (2 * r + 1) * HALVES).mul(wb);
        a.fma(scale, FloatVector.fromArray(F, out, to)).intoArray(out, to);
        b.fma(scale, FloatVector.fromArray(F, out, to + COUNT)).intoArray(out, to + COUNT);
      }
    }
  }
}
