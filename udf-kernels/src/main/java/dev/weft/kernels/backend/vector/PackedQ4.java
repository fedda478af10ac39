package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
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
 * Q4_0 in blocks of 32 columns: a vector of f32 scales for each group, then 16 vectors, of which
 * the lower halves of 32-bit lanes hold columns 0 to 15 and the upper halves columns 16 to 31, each
 * the nibbles of the four groups, lowest first; with vectors of up to 256 bits as numbers with a
 * sign, from -8 to 7.
 *
 * <p>Decoding is that of {@link PackedQ8}: a nibble u in bits 12 to 15 of the fraction of 1.0 makes
 * {@code f = 1 + u 2^-11}, and {@code (u - 8) d = f S - (1 + 2^-8) S} with {@code S = 2^11 d}.
 */
record PackedQ4() implements PackedFormat {
  private static final int BLOCK = 32;
  private static final int BLOCK_FILE_BYTES = 18;
  private static final int SCALES_BYTES = Unit.GROUPS * BYTES;
  private static final int HALF = BLOCK / 2;
  private static final int BLOCK_BYTES = SCALES_BYTES + HALF * BYTES;
  private static final boolean FEW_SHIFTS = Lanes.COUNT == 16;
  private static final int ONE = Float.floatToRawIntBits(1f);
  private static final int NIBBLE = 0xf000;
  private static final float SPREAD = 0x1p11f;
  private static final float OFFSET = -(1 + 0x1p-8f);

  @Override
  public long bytes(int columns) {
    return (long) columns / BLOCK * BLOCK_BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    int group = row / Lanes.COUNT;
    long lane = (long) row % Lanes.COUNT * Integer.BYTES;
    int flip = FEW_SHIFTS ? 0 : 8;
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
      long lanes = place + SCALES_BYTES + lane;
      for (int i = 0; i < HALF; i++) {
        int pair = src.get(ValueLayout.JAVA_BYTE, block + 2 + i);
        int halves = (pair & 15 ^ flip) << 4 * group | (pair >> 4 & 15 ^ flip) << 4 * group + 16;
        long to = lanes + (long) i * BYTES;
        dst.set(ValueLayout.JAVA_INT, to, dst.get(ValueLayout.JAVA_INT, to) | halves);
      }
    }
    return finite;
  }

  /** Nibbles of a half in the upper halves of lanes. */
  private static IntVector half(long at, int half) {
    IntVector both = IntVector.fromMemorySegment(I, MEMORY, at, ORDER);
    return both.lanewise(VectorOperators.LSHL, 16 - 16 * half);
  }

  /** The numbers of a group, whose nibbles are in the upper halves of lanes. */
  private static FloatVector number(IntVector upper, int group, FloatVector scale) {
    if (FEW_SHIFTS) {
      IntVector placed = upper.lanewise(VectorOperators.LSHR, 4 + 4 * group);
      return placed.and(NIBBLE).or(ONE).reinterpretAsFloats().fma(scale, scale.mul(OFFSET));
    }
    IntVector top = group == 3 ? upper : upper.lanewise(VectorOperators.LSHL, 12 - 4 * group);
    return Lanes.top(top, 28).mul(scale);
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
      for (int h = 0; h < 2; h++) {
        for (int i = 0; i < HALF; i++) {
          IntVector q = half(first + (long) i * BYTES, h);
          long step = tile + (long) i * Unit.STEP_BYTES;
          number(q, 0, s0).intoMemorySegment(MEMORY, step, ORDER);
          number(q, 1, s1).intoMemorySegment(MEMORY, step + BYTES, ORDER);
          number(q, 2, s2).intoMemorySegment(MEMORY, step + 2 * BYTES, ORDER);
          number(q, 3, s3).intoMemorySegment(MEMORY, step + 3 * BYTES, ORDER);
        }
        tile += HALF * Unit.STEP_BYTES;
      }
    }
  }

  @Override
  public boolean multipliesRows() {
    return true;
  }

  @Override
  public void multiplyRow(
      long read, int count, float[] x, int xAt, float[] out, int at, int groups) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    for (int b = 0; b < count / BLOCK; b++) {
      long block = read + (long) b * BLOCK_BYTES;
      FloatVector s0 = FloatVector.fromMemorySegment(F, MEMORY, block, ORDER);
      FloatVector s1 = FloatVector.fromMemorySegment(F, MEMORY, block + BYTES, ORDER);
      FloatVector s2 = FloatVector.fromMemorySegment(F, MEMORY, block + 2 * BYTES, ORDER);
      FloatVector s3 = FloatVector.fromMemorySegment(F, MEMORY, block + 3 * BYTES, ORDER);
      long first = block + SCALES_BYTES;
      for (int h = 0; h < 2; h++) {
        int column = xAt + b * BLOCK + h * HALF;
        for (int i = 0; i < HALF; i++) {
          FloatVector v = FloatVector.broadcast(F, x[column + i]);
          IntVector q = half(first + (long) i * BYTES, h);
          a0 = number(q, 0, s0).fma(v, a0);
          a1 = number(q, 1, s1).fma(v, a1);
          a2 = number(q, 2, s2).fma(v, a2);
          a3 = number(q, 3, s3).fma(v, a3);
        }
      }
    }
    Unit.store(a0, a1, a2, a3, out, at, groups);
  }
}
