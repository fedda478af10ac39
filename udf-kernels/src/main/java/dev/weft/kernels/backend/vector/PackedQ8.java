package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q8_0 in blocks of 32 columns: a vector of f32 scales for each group, then a vector for each
 * column in which a 32-bit lane holds the bytes of the four groups, lowest first.
 *
 * <p>A byte is brought to the top of its lane, shifted down with its sign, converted and
 * multiplied, which is exact: 19 bits. With vectors of 512 bits, where one shift a cycle is all,
 * bytes are held plus 128, and a byte u is put into bits 8 to 15 of the fraction of 1.0 instead.
 * That makes {@code f = 1 + u 2^-15}, so that the value {@code (u - 128) d} is {@code f S - (1 +
 * 2^-8) S} with {@code S = 2^15 d}. Both terms are exact: d has 11 significant bits; and one fused
 * multiply-add rounds once.
 */
record PackedQ8() implements DecodedFormat {
  static final int BLOCK = 32;
  private static final int BLOCK_FILE_BYTES = 34;
  private static final int SCALES_BYTES = Unit.GROUPS * BYTES;
  private static final int BLOCK_BYTES = SCALES_BYTES + BLOCK * BYTES;
  private static final boolean FEW_SHIFTS = COUNT == 16;
  private static final int ONE = Float.floatToRawIntBits(1f);
  private static final int BYTE = 0xff00;
  private static final float SPREAD = 0x1p15f;
  private static final float OFFSET = -(1 + 0x1p-8f);

  @Override
  public long bytes(int columns) {
    return (long) columns / BLOCK * BLOCK_BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    int group = row / COUNT;
    long lane = (long) row % COUNT * Integer.BYTES;
    int flip = FEW_SHIFTS ? 0x80 : 0;
    boolean finite = true;
    for (int b = 0; b < columns / BLOCK; b++) {
      long block = from + (long) b * BLOCK_FILE_BYTES;
      long place = at + (long) b * BLOCK_BYTES;
      float scale = Float.float16ToFloat(src.get(ValueLayout.JAVA_SHORT_UNALIGNED, block));
      finite &= Float.isFinite(scale);
      dst.set(
          ValueLayout.JAVA_FLOAT,
          place + (long) group * BYTES + lane,
          FEW_SHIFTS ? scale * SPREAD : scale);
      long number = place + SCALES_BYTES + lane + group;
      for (int i = 0; i < BLOCK; i++) {
        byte q = src.get(ValueLayout.JAVA_BYTE, block + 2 + i);
        dst.set(ValueLayout.JAVA_BYTE, number + (long) i * BYTES, (byte) (q ^ flip));
      }
    }
    return finite;
  }

  /** The numbers of a group. */
  private static FloatVector number(IntVector bytes, int group, FloatVector scale) {
    if (FEW_SHIFTS) {
      IntVector placed = group == 0 ? bytes.lanewise(VectorOperators.LSHL, 8) : bytes;
      if (group > 1) {
        placed = bytes.lanewise(VectorOperators.LSHR, 8 * (group - 1));
      }
      return placed.and(BYTE).or(ONE).reinterpretAsFloats().fma(scale, scale.mul(OFFSET));
    }
    IntVector top = group == 3 ? bytes : bytes.lanewise(VectorOperators.LSHL, 24 - 8 * group);
    return Lanes.top(top, 24).mul(scale);
  }

  @Override
  public void decode(long read, int count, long write) {
    for (int b = 0; b < count / BLOCK; b++) {
      long block = read + (long) b * BLOCK_BYTES;
      FloatVector s0 = FloatVector.fromMemorySegment(F, MEMORY, block, ORDER);
      FloatVector s1 = FloatVector.fromMemorySegment(F, MEMORY, block + BYTES, ORDER);
      FloatVector s2 = FloatVector.fromMemorySegment(F, MEMORY, block + 2 * BYTES, ORDER);
      FloatVector s3 = FloatVector.fromMemorySegment(F, MEMORY, block + 3 * BYTES, ORDER);
      long first = block + SCALES_BYTES;
      long tile = write + (long) b * BLOCK * Unit.STEP_BYTES;
      for (int i = 0; i < BLOCK; i++) {
        IntVector q = IntVector.fromMemorySegment(I, MEMORY, first + (long) i * BYTES, ORDER);
        long step = tile + (long) i * Unit.STEP_BYTES;
        number(q, 0, s0).intoMemorySegment(MEMORY, step, ORDER);
        number(q, 1, s1).intoMemorySegment(MEMORY, step + BYTES, ORDER);
        number(q, 2, s2).intoMemorySegment(MEMORY, step + 2 * BYTES, ORDER);
        number(q, 3, s3).intoMemorySegment(MEMORY, step + 3 * BYTES, ORDER);
      }
    }
  }

  @Override
  public boolean multipliesRows() {
    return true;
  }

  @Override
  public void addRow(long read, int count, float[] x, int xAt, float[] out, int at) {
    FloatVector a0 = FloatVector.fromArray(F, out, at);
    FloatVector a1 = FloatVector.fromArray(F, out, at + COUNT);
    FloatVector a2 = FloatVector.fromArray(F, out, at + 2 * COUNT);
    FloatVector a3 = FloatVector.fromArray(F, out, at + 3 * COUNT);
    for (int b = 0; b < count / BLOCK; b++) {
      long block = read + (long) b * BLOCK_BYTES;
      FloatVector s0 = FloatVector.fromMemorySegment(F, MEMORY, block, ORDER);
      FloatVector s1 = FloatVector.fromMemorySegment(F, MEMORY, block + BYTES, ORDER);
      FloatVector s2 = FloatVector.fromMemorySegment(F, MEMORY, block + 2 * BYTES, ORDER);
      FloatVector s3 = FloatVector.fromMemorySegment(F, MEMORY, block + 3 * BYTES, ORDER);
      long first = block + SCALES_BYTES;
      int column = xAt + b * BLOCK;
      for (int i = 0; i < BLOCK; i++) {
        FloatVector v = FloatVector.broadcast(F, x[column + i]);
        IntVector q = IntVector.fromMemorySegment(I, MEMORY, first + (long) i * BYTES, ORDER);
        a0 = number(q, 0, s0).fma(v, a0);
        a1 = number(q, 1, s1).fma(v, a1);
        a2 = number(q, 2, s2).fma(v, a2);
        a3 = number(q, 3, s3).fma(v, a3);
      }
    }
    Unit.store(a0, a1, a2, a3, out, at);
  }
}
