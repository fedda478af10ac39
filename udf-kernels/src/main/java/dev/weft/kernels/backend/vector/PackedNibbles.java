package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;
import static dev.weft.kernels.backend.vector.Lanes.S;

import dev.weft.kernels.quant.GroupCodec;
import dev.weft.kernels.quant.GroupLayout;
import dev.weft.kernels.quant.GroupValues;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Formats of four bits in groups of 32 columns that share a scale and may share an addend,
 * multiplied with activations that are rounded ({@link RoundedRows}). A block of 32 columns has,
 * for each group of rows, a vector of f32 scales, then of addends where there are any; then 16
 * vectors, of which the lower halves of 32-bit lanes hold columns 0 to 15 and the upper halves
 * columns 16 to 31, each the nibbles of the four groups, lowest first.
 *
 * <p>A nibble u stands for {@code (u - 8) scale + addend}. With {@code |u - 8| <= 8} and {@code |x|
 * <= 255} the sum of a half's 16 products fits 16 bits, and may be formed modulo 2^16. Sums of
 * blocks are exact in whatever order, so that kernels differ in nothing; their products with both
 * scales are added up in f32, block by block, and then addends times the sums of activations.
 *
 * @param fileBlockBytes bytes of a block of the file's format
 */
record PackedNibbles(GroupCodec codec, int fileBlockBytes) implements PackedFormat {
  /** Columns of a block. */
  static final int BLOCK = RoundedRows.BLOCK;

  /** Bytes of a block's integers of 16 bits, decoded {@code [pair of columns][groups][lanes]}. */
  static final long DECODED_BYTES = (long) RoundedRows.PAIRS * Unit.STEP_BYTES;

  private static final int PAIRS = RoundedRows.PAIRS;
  private static final int CENTER = 8;

  /** Bytes of the scales of a block, or of its addends. */
  static final int GROUPS_BYTES = Unit.GROUPS * BYTES;

  private static final int HALVES = 2 * COUNT;

  /** Elements of the scratch in which a kernel leaves its sums. */
  static final int SUMS = 2 * Unit.QUAD * HALVES;

  /** Whether a format can be held. */
  static boolean holds(GroupLayout layout) {
    return layout.bits() == 4 && layout.groupElements() == BLOCK;
  }

  boolean hasAddends() {
    return codec.layout().hasAddend() || codec.layout().center() != CENTER;
  }

  /** Bytes of a block. */
  int blockBytes() {
    return GROUPS_BYTES + (hasAddends() ? GROUPS_BYTES : 0) + PAIRS * BYTES;
  }

  @Override
  public long bytes(int columns) {
    return (long) columns / BLOCK * blockBytes();
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    GroupValues values = new GroupValues();
    GroupLayout layout = codec.layout();
    boolean finite = true;
    for (int column = 0; column < columns; column += BLOCK) {
      int place = column % layout.elements();
      if (place == 0) {
        codec.read(src, from + (long) column / layout.elements() * fileBlockBytes, values);
      }
      finite &= packBlock(values, place, dst, at + bytes(column), row);
    }
    return finite;
  }

  /** Stores the 32 values of a row from {@code place} on. */
  private boolean packBlock(GroupValues values, int place, MemorySegment dst, long block, int row) {
    int group = row / COUNT;
    long lane = (long) row % COUNT * Integer.BYTES;
    float scale = values.scales[place / BLOCK];
    dst.set(ValueLayout.JAVA_FLOAT, block + (long) group * BYTES + lane, scale);
    float addend = 0;
    if (hasAddends()) {
      addend = (CENTER - codec.layout().center()) * scale + values.addends[place / BLOCK];
      dst.set(ValueLayout.JAVA_FLOAT, block + GROUPS_BYTES + (long) group * BYTES + lane, addend);
    }
    long lanes = block + blockBytes() - PAIRS * BYTES + lane;
    for (int i = 0; i < PAIRS; i++) {
      int low = values.integers[place + i];
      int high = values.integers[place + PAIRS + i];
      int halves = low << 4 * group | high << 4 * group + 16;
      long to = lanes + (long) i * BYTES;
      dst.set(ValueLayout.JAVA_INT, to, dst.get(ValueLayout.JAVA_INT, to) | halves);
    }
    return Float.isFinite(scale) && Float.isFinite(addend);
  }

  @Override
  public boolean multipliesRows() {
    return true;
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
  static void decode(long read, int blockBytes, int blocks, long write) {
    for (int b = 0; b < blocks; b++) {
      long first = read + (long) (b + 1) * blockBytes - PAIRS * BYTES;
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
      long read,
      int blockBytes,
      int blocks,
      RoundedRows x,
      int row,
      short[] sums,
      float[] out,
      int at) {
    int[] pairs = x.pairs();
    float[] scales = x.scales();
    int[] offsets = x.offsets();
    int pairsAt = x.pairAt(row);
    int scalesAt = x.scaleAt(row);
    for (int b = 0; b < blocks; b++) {
      long block = read + (long) b * blockBytes;
      long nibbles = block + blockBytes - PAIRS * BYTES;
      ShortVector a0 = pair(offsets[scalesAt + b * Unit.QUAD]);
      ShortVector a1 = a0;
      ShortVector a2 = a0;
      ShortVector a3 = a0;
      int first = pairsAt + b * PAIRS * Unit.QUAD;
      for (int i = 0; i < PAIRS; i++) {
        ShortVector v = pair(pairs[first + i * Unit.QUAD]);
        ShortVector all = halves(nibbles + (long) i * BYTES);
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
      int blockBytes,
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
      long scaleOf = read + (long) block * blockBytes;
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

  /**
   * Adds addends times activations of one input row.
   *
   * @param read address of the first block's addends
   * @param out the unit's outputs of the row, from {@code at} on
   */
  static void addAddends(
      long read, int blockBytes, int blocks, RoundedRows x, int row, float[] out, int at) {
    float[] sums = x.sums();
    int sumsAt = x.scaleAt(row);
    FloatVector a0 = FloatVector.fromArray(F, out, at);
    FloatVector a1 = FloatVector.fromArray(F, out, at + COUNT);
    FloatVector a2 = FloatVector.fromArray(F, out, at + 2 * COUNT);
    FloatVector a3 = FloatVector.fromArray(F, out, at + 3 * COUNT);
    for (int b = 0; b < blocks; b++) {
      long block = read + (long) b * blockBytes;
      FloatVector sum = FloatVector.broadcast(F, sums[sumsAt + b * Unit.QUAD]);
      a0 = FloatVector.fromMemorySegment(F, MEMORY, block, ORDER).fma(sum, a0);
      a1 = FloatVector.fromMemorySegment(F, MEMORY, block + BYTES, ORDER).fma(sum, a1);
      a2 = FloatVector.fromMemorySegment(F, MEMORY, block + 2 * BYTES, ORDER).fma(sum, a2);
      a3 = FloatVector.fromMemorySegment(F, MEMORY, block + 3 * BYTES, ORDER).fma(sum, a3);
    }
    a0.intoArray(out, at);
    a1.intoArray(out, at + COUNT);
    a2.intoArray(out, at + 2 * COUNT);
    a3.intoArray(out, at + 3 * COUNT);
  }
}
