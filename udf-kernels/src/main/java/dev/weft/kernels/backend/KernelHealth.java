package dev.weft.kernels.backend;

import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Whether the kernels of a backend run at the speed they should. Compiled code of the Vector API
 * that lost its vectors (a missing module or flag, a compiler limit) still computes the right
 * thing, tens of times slower; nothing but a measurement shows it.
 *
 * @param rates what was measured
 * @param warmUpSeconds time that measuring, and with it compiling, took; 0 if all was known
 */
public record KernelHealth(List<Rate> rates, double warmUpSeconds) {
  /** A batch size of each kernel: one row, few rows, full tiles. */
  private static final int[] ROWS = {1, 4, 32};

  private static final long LONGEST_NANOS = 400_000_000L;

  /** Before a kernel counts as slow: on a busy machine, compiling it takes seconds. */
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  private static final long SHORTEST_NANOS = 100_000_000L;
  private static final int PROBE = 4096;

  /** What was measured in this process: code is compiled once, whichever engine asks. */
  private static final Map<String, Map<QuantFormat, List<Rate>>> MEASURED = new HashMap<>();

  public KernelHealth {
    rates = List.copyOf(rates);
  }

  /**
   * @param format of the weights
   * @param rows tokens of the product
   * @param multiplyAddsPerSecond of the backend's kernel, all threads, best of the warm-up
   * @param plainMultiplyAddsPerSecond of a loop over two arrays in plain Java, one thread, in the
   *     same moment
   */
  public record Rate(
      QuantFormat format,
      int rows,
      double multiplyAddsPerSecond,
      double plainMultiplyAddsPerSecond) {
    /** A kernel that is not faster than a plain loop is not compiled to vectors. */
    public boolean slow() {
      return multiplyAddsPerSecond < plainMultiplyAddsPerSecond;
    }
  }

  /** One line for each kernel that is too slow; empty if all are well. */
  public List<String> warnings() {
    var lines = new ArrayList<String>();
    for (Rate rate : rates) {
      if (rate.slow()) {
        lines.add(
            String.format(
                Locale.ROOT,
                "the %s kernel for %d tokens makes %.2f billion multiply-adds a second, a plain"
                    + " loop %.2f: it is not compiled to vectors. Start Java with"
                    + " --add-modules=jdk.incubator.vector and without -Xint,"
                    + " -XX:TieredStopAtLevel or -XX:+UseJVMCICompiler",
                rate.format(),
                rate.rows(),
                rate.multiplyAddsPerSecond() / 1e9,
                rate.plainMultiplyAddsPerSecond() / 1e9));
      }
    }
    return lines;
  }

  /** Whether these rates are of this call, not of an earlier one in this process. */
  public boolean measuredNow() {
    return warmUpSeconds > 0;
  }

  /**
   * Warms up the product kernels with the formats of some matrices and measures them, each format
   * once for a process. Then, with its code compiled, the backend chooses between its kernels.
   *
   * @param matrices one for each format is used, the smallest
   */
  public static synchronized KernelHealth warmUp(Backend backend, List<Tensor> matrices) {
    long start = System.nanoTime();
    var samples = new EnumMap<QuantFormat, Tensor>(QuantFormat.class);
    for (Tensor matrix : matrices) {
      Tensor seen = samples.get(matrix.format());
      if (seen == null || size(matrix) < size(seen)) {
        samples.put(matrix.format(), matrix);
      }
    }
    var known = MEASURED.computeIfAbsent(backend.name(), n -> new EnumMap<>(QuantFormat.class));
    var rates = new ArrayList<Rate>();
    boolean measured = false;
    for (Tensor matrix : samples.values()) {
      if (!known.containsKey(matrix.format())) {
        known.put(matrix.format(), measure(backend, matrix));
        measured = true;
      }
      rates.addAll(known.get(matrix.format()));
    }
    backend.tune(samples.keySet());
    return new KernelHealth(rates, measured ? (System.nanoTime() - start) / 1e9 : 0);
  }

  private static List<Rate> measure(Backend backend, Tensor matrix) {
    var rates = new ArrayList<Rate>();
    try (Weights weights = backend.prepare(List.of(matrix))) {
      for (int rows : ROWS) {
        rates.add(measure(backend, weights, matrix, rows));
      }
    }
    return rates;
  }

  private static long size(Tensor matrix) {
    return (long) matrix.rows() * matrix.columns();
  }

  /** Runs until the speed has not grown for a while; for long, if it is too low. */
  private static Rate measure(Backend backend, Weights weights, Tensor matrix, int rows) {
    Activations in = backend.allocate(rows, matrix.columns());
    Activations out = backend.allocate(rows, weights.outputs());
    float[] a = new float[PROBE];
    float[] b = new float[PROBE];
    double best = 0;
    double plain = 0;
    float sink = 0;
    long start = System.nanoTime();
    long grown = start;
    while (true) {
      long before = System.nanoTime();
      backend.matmul(weights, in, rows, out);
      long middle = System.nanoTime();
      sink += dot(a, b);
      long after = System.nanoTime();
      double rate = rows * (double) size(matrix) / Math.max(1, middle - before) * 1e9;
      if (rate > best * 1.02) {
        grown = after;
      }
      best = Math.max(best, rate);
      plain = Math.max(plain, PROBE * 1e9 / Math.max(1, after - middle));
      boolean settled = after - start > SHORTEST_NANOS && after - grown > SHORTEST_NANOS / 2;
      Rate now = new Rate(matrix.format(), rows, best, plain);
      long longest = now.slow() ? PATIENCE_NANOS : LONGEST_NANOS;
      if (settled && !now.slow() || after - start > longest || Float.isNaN(sink)) {
        return now;
      }
    }
  }

  /** Sum of products in order, which a compiler must not turn into vectors. */
  private static float dot(float[] a, float[] b) {
    float sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
