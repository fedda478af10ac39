package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The exponential function, relative error below 2^-22: range reduction by a two-part ln 2 (Cody
 * and Waite 1980) and a Taylor polynomial of degree 6 on [-ln2/2, ln2/2], remainder below 2^-23.
 * Below -87.3 it is 0, above 88.3 infinite; NaN stays. Every lane has the same operations, so its
 * bits do not depend on the width of the vectors.
 */
final class Exp {
  private static final float LOWEST = -87.3f;
  private static final float HIGHEST = 88.3f;
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** Adding it rounds to an integer, which is then in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  private Exp() {}

  /**
   * {@code out = exp((x - shift) factor)}.
   *
   * @param count multiple of {@value Lanes#MOST}
   */
  static void apply(
      float[] x, int at, float shift, float factor, int count, float[] out, int outAt) {
    for (int i = 0; i < count; i += COUNT) {
      FloatVector v = FloatVector.fromArray(F, x, at + i).sub(shift).mul(factor);
      FloatVector inside = v.max(LOWEST).min(HIGHEST);
      FloatVector rounded =
          inside.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUND));
      FloatVector n = rounded.sub(ROUND);
      FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), inside);
      r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
      FloatVector p = FloatVector.broadcast(F, 1f / 720);
      p = p.fma(r, FloatVector.broadcast(F, 1f / 120));
      p = p.fma(r, FloatVector.broadcast(F, 1f / 24));
      p = p.fma(r, FloatVector.broadcast(F, 1f / 6));
      p = p.fma(r, FloatVector.broadcast(F, 0.5f));
      p = p.fma(r, FloatVector.broadcast(F, 1f));
      p = p.fma(r, FloatVector.broadcast(F, 1f));
      IntVector power = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
      FloatVector result = p.reinterpretAsInts().add(power).reinterpretAsFloats();
      result = result.blend(0f, v.lt(LOWEST));
      result = result.blend(Float.POSITIVE_INFINITY, v.compare(VectorOperators.GT, HIGHEST));
      result.blend(v, v.test(VectorOperators.IS_NAN)).intoArray(out, outAt + i);
    }
  }
}
