package dev.weft.jobs.doctor;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/**
 * Runs small matrix products of one backend: are they right, and how fast do they get in a short
 * while? Code that is not compiled yet, or a busy machine, is a hundred times slower.
 *
 * @param wrong number formats, of those that Weft also writes, whose product is not that of the
 *     reference decoding
 * @param flopsPerSecond floating-point operations per second of one thread for a Q8_0 product of
 *     {@value #ROWS} tokens
 */
record KernelHealth(List<QuantFormat> wrong, double flopsPerSecond) {
  private static final int OUTPUTS = 512;
  private static final int INPUTS = 512;
  private static final int ROWS = 32;
  private static final long MEASURED_NANOS = 1_500_000_000L;
  private static final long MEMORY_BYTES = 64L << 20;

  // Sums of 512 products of values below 1 in f32, against f64.
  private static final double TOLERANCE = 1e-3;

  /** See {@link Weights#roundsActivations}. */
  private static final int MOST_STEPS = 255;

  private static final int ROUNDED_TOGETHER = 32;

  static KernelHealth of(BackendProvider provider) {
    try (Arena arena = Arena.ofShared();
        Backend backend = provider.open(new BackendConfig(1, MEMORY_BYTES))) {
      List<QuantFormat> wrong =
          List.of(QuantFormat.values()).stream()
              .filter(QuantFormat::encodes)
              .filter(f -> !isRight(backend, tensor(arena, f)))
              .toList();
      return new KernelHealth(wrong, rate(backend, tensor(arena, QuantFormat.Q8_0)));
    }
  }

  private static Tensor tensor(Arena arena, QuantFormat format) {
    float[] values = values(OUTPUTS * INPUTS);
    MemorySegment data = arena.allocate(format.bytes(values.length), 64);
    format.encode(values, 0, data, 0, values.length);
    return new Tensor("doctor", format, OUTPUTS, INPUTS, data);
  }

  private static float[] values(int count) {
    Random random = new Random(25);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  /** Inputs that also a backend that rounds activations takes as they are: 511 steps, all used. */
  private static float[] inputs() {
    float[] x = values(INPUTS);
    for (int i = 0; i < INPUTS; i++) {
      int step = i % ROUNDED_TOGETHER == 0 ? MOST_STEPS : (int) (2 * MOST_STEPS * x[i]);
      x[i] = step * 0x1p-9f;
    }
    return x;
  }

  private static boolean isRight(Backend backend, Tensor tensor) {
    float[] x = inputs();
    float[] actual = new float[OUTPUTS];
    try (Weights weights = backend.prepare(List.of(tensor))) {
      Activations in = backend.allocate(1, INPUTS);
      Activations out = backend.allocate(1, weights.outputs());
      in.write(0, x, 0, INPUTS);
      backend.matmul(weights, in, 1, out);
      out.read(0, actual, 0, OUTPUTS);
    }
    float[] row = new float[INPUTS];
    for (int o = 0; o < OUTPUTS; o++) {
      tensor.decodeRow(o, row);
      double sum = 0;
      for (int i = 0; i < INPUTS; i++) {
        sum += (double) row[i] * x[i];
      }
      // Negated, so that a result that is no number is wrong too.
      if (!(Math.abs(sum - actual[o]) <= TOLERANCE)) {
        return false;
      }
    }
    return true;
  }

  private static double rate(Backend backend, Tensor tensor) {
    try (Weights weights = backend.prepare(List.of(tensor))) {
      Activations in = backend.allocate(ROWS, INPUTS);
      Activations out = backend.allocate(ROWS, weights.outputs());
      float[] x = values(INPUTS);
      for (int r = 0; r < ROWS; r++) {
        in.write(r, x, 0, INPUTS);
      }
      double best = 0;
      long end = System.nanoTime() + MEASURED_NANOS;
      for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
        backend.matmul(weights, in, ROWS, out);
        backend.finish();
        double seconds = (System.nanoTime() - start) / 1e9;
        best = Math.max(best, 2.0 * ROWS * INPUTS * OUTPUTS / seconds);
      }
      return best;
    }
  }
}
