package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import dev.weft.kernels.quant.GroupCodec;
import dev.weft.kernels.quant.GroupLayout;
import dev.weft.kernels.quant.GroupValues;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Integers of up to six bits in blocks of 16 or 32 columns that share a scale. In a block, for one
 * group of rows after the other: a vector of f32 scales, one of addends if the format has them, one
 * of what integers have above four bits (lowest column first, group after group in each 32-bit
 * lane), then for each eight columns a vector of their low four bits, lowest first.
 *
 * <p>An integer in the lowest bits of the fraction of 2^23 makes {@code 2^23 + q}, from which
 * {@code 2^23 + center} is subtracted without rounding; product and sum are rounded as by the
 * reference decoder.
 */
record PackedGroups(QuantFormat file, GroupCodec codec, GroupLayout layout)
    implements DecodedFormat {
  private static final float MAGIC = 0x1p23f;
  private static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);
  private static final int LOW_BITS = 4;

  private int highBits() {
    return Math.max(0, layout.bits() - LOW_BITS);
  }

  private long groupBytes() {
    int parameters = 1 + (layout.hasAddend() ? 1 : 0) + (highBits() > 0 ? 1 : 0);
    return (long) (parameters + layout.groupElements() / 8) * BYTES;
  }

  @Override
  public long bytes(int columns) {
    return columns / layout.groupElements() * Unit.GROUPS * groupBytes();
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int columns, MemorySegment dst, long at, int row) {
    int size = layout.groupElements();
    GroupValues values = new GroupValues();
    boolean finite = true;
    long group = at + row / Lanes.COUNT * groupBytes() + row % Lanes.COUNT * 4L;
    for (int column = 0; column < columns; column += size) {
      int place = column % layout.elements();
      if (place == 0) {
        codec.read(src, from + (long) column / layout.elements() * file.blockBytes(), values);
      }
      finite &= packGroup(values, place, dst, group);
      group += Unit.GROUPS * groupBytes();
    }
    return finite;
  }

  /** Stores the group of a block that begins at {@code place}. */
  private boolean packGroup(GroupValues values, int place, MemorySegment dst, long at) {
    int group = place / layout.groupElements();
    long next = at;
    dst.set(ValueLayout.JAVA_FLOAT, next, values.scales[group]);
    next += BYTES;
    boolean finite = Float.isFinite(values.scales[group]);
    if (layout.hasAddend()) {
      dst.set(ValueLayout.JAVA_FLOAT, next, values.addends[group]);
      next += BYTES;
      finite &= Float.isFinite(values.addends[group]);
    }
    if (highBits() > 0) {
      int high = 0;
      for (int i = 0; i < layout.groupElements(); i++) {
        high |= values.integers[place + i] >> LOW_BITS << highBits() * i;
      }
      dst.set(ValueLayout.JAVA_INT, next, high);
      next += BYTES;
    }
    for (int i = 0; i < layout.groupElements(); i += 8) {
      int eight = 0;
      for (int j = 0; j < 8; j++) {
        eight |= (values.integers[place + i + j] & 15) << LOW_BITS * j;
      }
      dst.set(ValueLayout.JAVA_INT, next, eight);
      next += BYTES;
    }
    return finite;
  }

  @Override
  public void decode(long read, int count, long write) {
    for (int b = 0; b < count / layout.groupElements(); b++) {
      for (int g = 0; g < Unit.GROUPS; g++) {
        decodeGroup(
            read + (b * Unit.GROUPS + g) * groupBytes(),
            write + (long) b * layout.groupElements() * Unit.STEP_BYTES + g * BYTES);
      }
    }
  }

  /** Decodes the columns of a block that one group of rows has. */
  private void decodeGroup(long from, long write) {
    long read = from;
    FloatVector scale = FloatVector.fromMemorySegment(F, MEMORY, read, ORDER);
    read += BYTES;
    // Adding -0 changes nothing, not even the sign of a zero.
    FloatVector addend = FloatVector.broadcast(F, -0f);
    if (layout.hasAddend()) {
      addend = FloatVector.fromMemorySegment(F, MEMORY, read, ORDER);
      read += BYTES;
    }
    if (layout.bits() > LOW_BITS) {
      decodeHigh(read, scale, addend, write);
    } else {
      decodeLow(read, scale, addend, write);
    }
  }

  private void decodeLow(long from, FloatVector scale, FloatVector addend, long at) {
    float zero = MAGIC + layout.center();
    long write = at;
    for (int i = 0; i < layout.groupElements() / 8; i++) {
      IntVector low = IntVector.fromMemorySegment(I, MEMORY, from + (long) i * BYTES, ORDER);
      for (int j = 0; j < 8; j++) {
        FloatVector q = low.and(15).or(MAGIC_BITS).reinterpretAsFloats().sub(zero);
        q.mul(scale).add(addend).intoMemorySegment(MEMORY, write, ORDER);
        low = low.lanewise(VectorOperators.LSHR, LOW_BITS);
        write += Unit.STEP_BYTES;
      }
    }
  }

  private void decodeHigh(long from, FloatVector scale, FloatVector addend, long at) {
    float zero = MAGIC + layout.center();
    int bits = layout.bits() - LOW_BITS;
    int mask = (1 << bits) - 1 << LOW_BITS;
    IntVector high = IntVector.fromMemorySegment(I, MEMORY, from, ORDER);
    long write = at;
    for (int i = 1; i <= layout.groupElements() / 8; i++) {
      IntVector low = IntVector.fromMemorySegment(I, MEMORY, from + (long) i * BYTES, ORDER);
      for (int j = 0; j < 8; j++) {
        IntVector upper = high.lanewise(VectorOperators.LSHL, LOW_BITS).and(mask);
        FloatVector q = low.and(15).or(upper).or(MAGIC_BITS).reinterpretAsFloats().sub(zero);
        q.mul(scale).add(addend).intoMemorySegment(MEMORY, write, ORDER);
        low = low.lanewise(VectorOperators.LSHR, LOW_BITS);
        high = high.lanewise(VectorOperators.LSHR, bits);
        write += Unit.STEP_BYTES;
      }
    }
  }
}
