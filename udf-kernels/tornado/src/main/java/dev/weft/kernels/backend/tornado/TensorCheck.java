package dev.weft.kernels.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Whether a device's tensor cores compute what they should: products of small random matrices may
 * differ from exact ones by what rounding to f16 explains.
 */
final class TensorCheck {
  private static final int OUTPUTS = 40;
  private static final int COLUMNS = 96;

  /** Enough for the kernel of many tokens; one token is multiplied by that of few. */
  private static final int TOKENS = 70;

  /** What rounding to 11 bits changes a number by, in parts of it. */
  private static final double HALF_STEP = 0x1p-11;

  private TensorCheck() {}

  /** A product that was called. */
  private record Product(Tensor matrix, float[][] x, Weights weights, Activations y) {}

  /**
   * Compares.
   *
   * @throws IllegalArgumentException if they differ by more
   */
  static void run(TornadoBackend backend, String device) {
    var random = new Random(20_261_126);
    var products = new ArrayList<Product>();
    try (Arena arena = Arena.ofShared()) {
      // All before the first is read: they are one plan then.
      for (QuantFormat format : List.of(QuantFormat.F16, QuantFormat.Q8_0, QuantFormat.Q4_0)) {
        Tensor matrix = matrix(format, random, arena);
        products.add(multiply(backend, matrix, TOKENS, random));
        products.add(multiply(backend, matrix, 1, random));
      }
      products.forEach(p -> compare(device, p));
    } finally {
      products.forEach(p -> p.weights.close());
    }
  }

  private static Product multiply(
      TornadoBackend backend, Tensor matrix, int tokens, Random random) {
    float[][] x = new float[tokens][COLUMNS];
    Activations in = backend.allocate(tokens, COLUMNS);
    for (int t = 0; t < tokens; t++) {
      for (int i = 0; i < COLUMNS; i++) {
        x[t][i] = (float) random.nextGaussian();
      }
      in.write(t, x[t], 0, COLUMNS);
    }
    Weights weights = backend.prepare(List.of(matrix));
    Activations out = backend.allocate(tokens, weights.outputs());
    backend.matmul(weights, in, tokens, out);
    return new Product(matrix, x, weights, out);
  }

  private static void compare(String device, Product product) {
    float[] found = new float[OUTPUTS];
    float[] w = new float[COLUMNS];
    for (int t = 0; t < product.x.length; t++) {
      product.y.read(t, found, 0, OUTPUTS);
      for (int r = 0; r < OUTPUTS; r++) {
        product.matrix.decodeRow(r, w);
        double exact = 0;
        double size = 0;
        for (int i = 0; i < COLUMNS; i++) {
          exact += (double) w[i] * product.x[t][i];
          size += Math.abs((double) w[i] * product.x[t][i]);
        }
        requireClose(device, product.matrix.format(), exact, found[r], size);
      }
    }
  }

  /**
   * How far a product may be off, in parts of the sum of its terms without their signs: activations
   * are rounded, weights unless they are f16, and sums of f32.
   */
  static double bound(QuantFormat format) {
    double rounded = format == QuantFormat.F16 ? HALF_STEP : 2 * HALF_STEP;
    return rounded + 0x1p-16;
  }

  /**
   * Compares a product of a row.
   *
   * @param size sum of what its terms are without their signs
   */
  static void requireClose(
      String device, QuantFormat format, double exact, float found, double size) {
    double off = Math.abs(found - exact);
    // Not a number is refused too.
    if (!(off <= bound(format) * size)) {
      throw new IllegalArgumentException(
          ("engine.tensorCores = true: on %s a product of %s weights is %s where %s is right, %.3g"
                  + " apart where rounding explains %.3g. Set it to false")
              .formatted(device, format, found, (float) exact, off, bound(format) * size));
    }
  }

  private static Tensor matrix(QuantFormat format, Random random, Arena arena) {
    int blocks = COLUMNS / format.blockElements();
    MemorySegment data = arena.allocate((long) OUTPUTS * blocks * format.blockBytes());
    for (long at = 0; at < data.byteSize(); at++) {
      data.set(JAVA_BYTE, at, (byte) random.nextInt());
    }
    // What is an f16 there, all of them or the scales, becomes a small number.
    for (long at = 0; at < data.byteSize(); at += format.blockBytes()) {
      float small = (float) random.nextGaussian() / 64;
      data.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(small));
    }
    return new Tensor("check", format, OUTPUTS, COLUMNS, data);
  }
}
