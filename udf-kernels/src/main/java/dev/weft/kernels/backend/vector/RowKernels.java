package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.COUNT;
import static dev.weft.kernels.backend.vector.Lanes.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Operations on one row; lengths are multiples of {@value #PARTIALS}, pads hold zeros. */
final class RowKernels {
  /** Interleaved partial sums of a row sum, the same for all vector widths. */
  static final int PARTIALS = 16;

  private RowKernels() {}

  /** Adds sixteen partial sums in a fixed tree, destroying them. */
  static float tree(float[] partials, int at) {
    for (int half = PARTIALS / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        partials[at + i] += partials[at + i + half];
      }
    }
    return partials[at];
  }

  /** Sum of squares of {@code count} elements. */
  static float sumOfSquares(float[] x, int at, int count, float[] partials) {
    for (int lane = 0; lane < PARTIALS; lane += COUNT) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = lane; i < count; i += PARTIALS) {
        FloatVector v = FloatVector.fromArray(F, x, at + i);
        sum = v.fma(v, sum);
      }
      sum.intoArray(partials, lane);
    }
    return tree(partials, 0);
  }

  /** {@code out = x * scale * weight}. */
  static void scale(
      float[] x, int at, float scale, float[] weight, int count, float[] out, int outAt) {
    for (int i = 0; i < count; i += COUNT) {
      FloatVector.fromArray(F, x, at + i)
          .mul(scale)
          .mul(FloatVector.fromArray(F, weight, i))
          .intoArray(out, outAt + i);
    }
  }

  /** {@code out = x * scale}. */
  static void scale(float[] x, int at, float scale, int count, float[] out, int outAt) {
    for (int i = 0; i < count; i += COUNT) {
      FloatVector.fromArray(F, x, at + i).mul(scale).intoArray(out, outAt + i);
    }
  }

  /** {@code x += delta}. */
  static void add(float[] x, int at, float[] delta, int deltaAt, int count) {
    for (int i = 0; i < count; i += COUNT) {
      FloatVector.fromArray(F, x, at + i)
          .add(FloatVector.fromArray(F, delta, deltaAt + i))
          .intoArray(x, at + i);
    }
  }

  /** {@code x += delta * scale}. */
  static void addScaled(float[] x, int at, float[] delta, int deltaAt, float scale, int count) {
    for (int i = 0; i < count; i += COUNT) {
      FloatVector.fromArray(F, delta, deltaAt + i)
          .fma(FloatVector.broadcast(F, scale), FloatVector.fromArray(F, x, at + i))
          .intoArray(x, at + i);
    }
  }

  /** {@code out = gate / (1 + exp(-gate)) * up}. */
  static void swiGlu(float[] x, int gateAt, int upAt, int count, float[] out, int outAt) {
    Exp.apply(x, gateAt, 0f, -1f, count, out, outAt);
    for (int i = 0; i < count; i += COUNT) {
      FloatVector gate = FloatVector.fromArray(F, x, gateAt + i);
      FloatVector up = FloatVector.fromArray(F, x, upAt + i);
      FloatVector e = FloatVector.fromArray(F, out, outAt + i);
      gate.div(e.add(1f)).mul(up).intoArray(out, outAt + i);
    }
  }

  /** Largest of {@code count} scores. */
  static float max(float[] scores, int at, int count) {
    FloatVector max = FloatVector.fromArray(F, scores, at);
    for (int i = COUNT; i < count; i += COUNT) {
      max = max.max(FloatVector.fromArray(F, scores, at + i));
    }
    return max.reduceLanes(VectorOperators.MAX);
  }

  /**
   * Replaces scores by {@code exp((score - max) scale)}.
   *
   * @param partials scratch of sixteen elements
   * @return their sum, in sixteen partial sums by place in the page and a fixed tree
   */
  static float softmax(
      float[] scores, int at, int count, float max, float scale, float[] partials) {
    Exp.apply(scores, at, max, scale, count, scores, at);
    for (int lane = 0; lane < PARTIALS; lane += COUNT) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = lane; i < count; i += PARTIALS) {
        sum = sum.add(FloatVector.fromArray(F, scores, at + i));
      }
      sum.intoArray(partials, lane);
    }
    return tree(partials, 0);
  }
}
