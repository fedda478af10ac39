package dev.weft.kernels.backend.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The vector width of this machine, constant for the compiler. */
final class Lanes {
  static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
  static final VectorSpecies<Short> S = ShortVector.SPECIES_PREFERRED;

  /** f32 elements of a vector; 4, 8 or 16. */
  static final int COUNT = F.length();

  /** Most lanes of any machine; lengths that are multiples of it have no tail on any. */
  static final int MOST = 16;

  /** Bytes of a vector. */
  static final int BYTES = COUNT * Float.BYTES;

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /**
   * All memory of the process. Through a constant segment that cannot be closed, vectors are read
   * and written without the checks of class and life that every access to another segment makes
   * where a store came before (measured: a decoding loop is three times as fast). Kernels check
   * shapes once per call, and what they are given stays open until they return.
   */
  static final MemorySegment MEMORY = all();

  private Lanes() {}

  @SuppressWarnings("restricted")
  private static MemorySegment all() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  /** The numbers, with their signs, in the bits above {@code shift} of each lane. */
  static FloatVector top(IntVector lanes, int shift) {
    IntVector numbers = lanes.lanewise(VectorOperators.ASHR, shift);
    return (FloatVector) numbers.convertShape(VectorOperators.I2F, F, 0);
  }

  /** Where off-heap memory is in {@link #MEMORY}. */
  static long address(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("kernels read off-heap memory, not " + memory);
    }
    return memory.address();
  }
}
