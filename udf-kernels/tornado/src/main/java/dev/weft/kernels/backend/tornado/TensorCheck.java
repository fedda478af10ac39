package dev.weft.kernels.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/**
 * Whether a device's tensor cores compute what the plain kernels do: products of small random
 * matrices, by both, may differ by what rounding activations to f16 explains.
 */
final class TensorCheck {
  private static final int OUTPUTS = 40;
  private static final int COLUMNS = 96;
  private static final int TOKENS = 9;

  /** Half a step of 11 bits, and room for sums of f32. */
  private static final double BOUND = 0x1p-11 + 0x1p-16;

  private TensorCheck() {}

  /**
   * Compares.
   *
   * @throws IllegalArgumentException if they differ by more
   */
  static void run(TornadoBackend backend, String device) {
    var random = new Random(20_261_126);
    try (Arena arena = Arena.ofShared()) {
      for (QuantFormat format : List.of(QuantFormat.F16, QuantFormat.Q8_0, QuantFormat.Q4_0)) {
        compare(backend, device, matrix(format, random, arena), random);
      }
    }
  }

  private static void compare(TornadoBackend backend, String device, Tensor matrix, Random random) {
    float[][] x = new float[TOKENS][COLUMNS];
    Activations in = backend.allocate(TOKENS, COLUMNS);
    for (int t = 0; t < TOKENS; t++) {
      for (int i = 0; i < COLUMNS; i++) {
        x[t][i] = (float) random.nextGaussian();
      }
      in.write(t, x[t], 0, COLUMNS);
    }
    try (Weights weights = backend.prepare(List.of(matrix))) {
      Activations plain = backend.allocate(TOKENS, weights.outputs());
      Activations tensor = backend.allocate(TOKENS, weights.outputs());
      backend.product(weights, in, TOKENS, plain, false);
      backend.product(weights, in, TOKENS, tensor, true);
      float[] expected = new float[OUTPUTS];
      float[] found = new float[OUTPUTS];
      float[] w = new float[COLUMNS];
      for (int t = 0; t < TOKENS; t++) {
        plain.read(t, expected, 0, OUTPUTS);
        tensor.read(t, found, 0, OUTPUTS);
        for (int r = 0; r < OUTPUTS; r++) {
          matrix.decodeRow(r, w);
          double size = 0;
          for (int i = 0; i < COLUMNS; i++) {
            size += Math.abs((double) w[i] * x[t][i]);
          }
          requireClose(device, matrix.format(), expected[r], found[r], size);
        }
      }
    }
  }

  /**
   * Compares a product of a row.
   *
   * @param size sum of what its terms are without their signs
   */
  static void requireClose(
      String device, QuantFormat format, float plain, float tensor, double size) {
    double off = Math.abs((double) tensor - plain);
    // Not a number is refused too.
    if (!(off <= BOUND * size)) {
      throw new IllegalArgumentException(
          ("engine.tensorCores = true: on %s a product of %s weights is %s on tensor cores and %s"
                  + " without, %.3g apart where rounding explains %.3g. Set it to false")
              .formatted(device, format, tensor, plain, off, BOUND * size));
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
