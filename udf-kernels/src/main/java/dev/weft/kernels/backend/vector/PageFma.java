package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The loops of {@link Unit} where the steps of a vector lie any distance apart, as positions and
 * elements do in the pages of a KV cache.
 */
final class PageFma {
  private PageFma() {}

  /**
   * Four vectors of outputs, one input row.
   *
   * @param w weights; vector {@code v} of step {@code i} is at byte {@code wv + i * step}
   * @param x input row from {@code xAt} on, {@code k} elements
   * @param out outputs of vector {@code v} at {@code ov}
   * @param fresh whether the chains begin here, at zero, or continue what {@code out} holds
   */
  static void fourByOne(
      MemorySegment w,
      long w0,
      long w1,
      long w2,
      long w3,
      int step,
      int k,
      float[] x,
      int xAt,
      float[] out,
      int o0,
      int o1,
      int o2,
      int o3,
      boolean fresh) {
    FloatVector a0 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o0);
    FloatVector a1 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o1);
    FloatVector a2 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o2);
    FloatVector a3 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o3);
    long first = Lanes.address(w);
    long v0 = first + w0;
    long v1 = first + w1;
    long v2 = first + w2;
    long v3 = first + w3;
    long at = 0;
    for (int i = 0; i < k; i++) {
      FloatVector b = FloatVector.broadcast(F, x[xAt + i]);
      a0 = FloatVector.fromMemorySegment(F, MEMORY, v0 + at, ORDER).fma(b, a0);
      a1 = FloatVector.fromMemorySegment(F, MEMORY, v1 + at, ORDER).fma(b, a1);
      a2 = FloatVector.fromMemorySegment(F, MEMORY, v2 + at, ORDER).fma(b, a2);
      a3 = FloatVector.fromMemorySegment(F, MEMORY, v3 + at, ORDER).fma(b, a3);
      at += step;
    }
    a0.intoArray(out, o0);
    a1.intoArray(out, o1);
    a2.intoArray(out, o2);
    a3.intoArray(out, o3);
  }

  /**
   * Two vectors of outputs, four input rows.
   *
   * @param w weights; vector {@code v} of step {@code i} is at byte {@code wv + i * step}
   * @param x input row {@code r} from {@code xr} on, {@code k} elements
   * @param out outputs of the first vector and row {@code r} at {@code or}, of the second {@code
   *     second} elements further
   * @param fresh whether the chains begin here, at zero, or continue what {@code out} holds
   */
  static void twoByFour(
      MemorySegment w,
      long w0,
      long w1,
      int step,
      int k,
      float[] x,
      int x0,
      int x1,
      int x2,
      int x3,
      float[] out,
      int o0,
      int o1,
      int o2,
      int o3,
      int second,
      boolean fresh) {
    FloatVector a0 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o0);
    FloatVector a1 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o1);
    FloatVector a2 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o2);
    FloatVector a3 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o3);
    FloatVector b0 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o0 + second);
    FloatVector b1 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o1 + second);
    FloatVector b2 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o2 + second);
    FloatVector b3 = fresh ? FloatVector.zero(F) : FloatVector.fromArray(F, out, o3 + second);
    long first = Lanes.address(w);
    long v0 = first + w0;
    long v1 = first + w1;
    long at = 0;
    for (int i = 0; i < k; i++) {
      FloatVector a = FloatVector.fromMemorySegment(F, MEMORY, v0 + at, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(F, MEMORY, v1 + at, ORDER);
      FloatVector v = FloatVector.broadcast(F, x[x0 + i]);
      a0 = a.fma(v, a0);
      b0 = b.fma(v, b0);
      v = FloatVector.broadcast(F, x[x1 + i]);
      a1 = a.fma(v, a1);
      b1 = b.fma(v, b1);
      v = FloatVector.broadcast(F, x[x2 + i]);
      a2 = a.fma(v, a2);
      b2 = b.fma(v, b2);
      v = FloatVector.broadcast(F, x[x3 + i]);
      a3 = a.fma(v, a3);
      b3 = b.fma(v, b3);
      at += step;
    }
    a0.intoArray(out, o0);
    a1.intoArray(out, o1);
    a2.intoArray(out, o2);
    a3.intoArray(out, o3);
    b0.intoArray(out, o0 + second);
    b1.intoArray(out, o1 + second);
    b2.intoArray(out, o2 + second);
    b3.intoArray(out, o3 + second);
  }
}
