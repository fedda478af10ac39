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
 * Integers of up to six bits in groups of 16 or 32 columns: a vector of f32 scales, one of addends
 * if the format has them, one of what integers have above four bits (lowest column first, group
 * after group in each 32-bit lane), then for each eight columns a vector of their low four bits,
 * lowest first.
 *
 * <p>An integer in the lowest bits of the fraction of 2^23 makes {@code 2^23 + q}, from which
 * {@code 2^23 + center} is subtracted without rounding; product and sum are rounded as by the
 * reference decoder.
 */
record PackedGroups(QuantFormat file, GroupCodec codec, GroupLayout layout)
    implements PackedFormat {
  private static final float MAGIC = 0x1p23f;
  private static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);
  private static final int LOW_BITS = 4;

  static PackedGroups of(QuantFormat format) {
    GroupCodec codec = format.groups().orElseThrow();
    return new PackedGroups(format, codec, codec.layout());
  }

  private int highBits() {
    return Math.max(0, layout.bits() - LOW_BITS);
  }

  private int groupVectors() {
    return 1 + (layout.hasAddend() ? 1 : 0) + (highBits() > 0 ? 1 : 0) + layout.groupElements() / 8;
  }

  @Override
  public long chunkBytes(int columns) {
    return (long) columns / layout.groupElements() * groupVectors() * BYTES;
  }

  @Override
  public boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane) {
    int size = layout.groupElements();
    GroupValues values = new GroupValues();
    boolean finite = true;
    long block = -1;
    for (int column = first; column < first + columns; column += size) {
      if (column / layout.elements() != block) {
        block = column / layout.elements();
        codec.read(src, from + block * file.blockBytes(), values);
      }
      int place = column % layout.elements();
      long group = at + (long) (column - first) / size * groupVectors() * BYTES + lane * 4L;
      finite &= packGroup(values, place, dst, group);
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
  public void decode(MemorySegment src, long from, int count, MemorySegment dst, long at) {
    int size = layout.groupElements();
    long read = Lanes.address(src) + from;
    long write = Lanes.address(dst) + at;
    for (int c = 0; c < count; c += size) {
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
        read += BYTES;
      } else {
        decodeLow(read, scale, addend, write);
      }
      read += (long) size / 8 * BYTES;
      write += (long) size * BYTES;
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
        write += BYTES;
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
        write += BYTES;
      }
    }
  }
}
