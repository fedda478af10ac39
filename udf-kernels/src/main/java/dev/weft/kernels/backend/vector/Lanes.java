package dev.weft.kernels.backend.vector;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The vector width of this machine, constant for the compiler. */
final class Lanes {
  static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;

  /** f32 elements of a vector; 4, 8 or 16. */
  static final int COUNT = F.length();

  /** Most lanes of any machine; lengths that are multiples of it have no tail on any. */
  static final int MOST = 16;

  /** Bytes of a vector. */
  static final int BYTES = COUNT * Float.BYTES;

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private Lanes() {}
}
