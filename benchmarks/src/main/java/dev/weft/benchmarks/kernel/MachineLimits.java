package dev.weft.benchmarks.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the cores and the memory can do at most: independent multiply-adds, and a sum over memory.
 */
public final class MachineLimits {
  private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
  private static final int FMA_STEPS = 100_000;

  private MachineLimits() {}

  /** Width of the vectors that the limits are measured with. */
  public static int vectorBits() {
    return F.vectorBitSize();
  }

  /** Multiply-adds of one call of {@link #fma}. */
  public static double fmaCount() {
    return 8.0 * F.length() * FMA_STEPS;
  }

  /** Independent multiply-adds that never leave the registers. */
  public static float fma(float seed) {
    FloatVector x = FloatVector.broadcast(F, seed);
    FloatVector y = FloatVector.broadcast(F, 0.5f);
    FloatVector a = x;
    FloatVector b = x;
    FloatVector c = x;
    FloatVector d = x;
    FloatVector e = x;
    FloatVector f = x;
    FloatVector g = x;
    FloatVector h = x;
    for (int i = 0; i < FMA_STEPS; i++) {
      a = a.fma(y, x);
      b = b.fma(y, x);
      c = c.fma(y, x);
      d = d.fma(y, x);
      e = e.fma(y, x);
      f = f.fma(y, x);
      g = g.fma(y, x);
      h = h.fma(y, x);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).reduceLanes(VectorOperators.ADD);
  }

  /** Reads the bytes {@code from <= i < to} once. */
  public static int read(MemorySegment data, long from, long to) {
    ByteOrder order = ByteOrder.nativeOrder();
    long bytes = I.vectorByteSize();
    IntVector a = IntVector.zero(I);
    IntVector b = a;
    IntVector c = a;
    IntVector d = a;
    for (long at = from; at + 4 * bytes <= to; at += 4 * bytes) {
      a = a.add(IntVector.fromMemorySegment(I, data, at, order));
      b = b.add(IntVector.fromMemorySegment(I, data, at + bytes, order));
      c = c.add(IntVector.fromMemorySegment(I, data, at + 2 * bytes, order));
      d = d.add(IntVector.fromMemorySegment(I, data, at + 3 * bytes, order));
    }
    return a.add(b).add(c).add(d).reduceLanes(VectorOperators.ADD);
  }
}
