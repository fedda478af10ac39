package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * {@code gemm.efficiency.*} and {@code gemv.efficiency.*}: products alone, as a share of the limit
 * that was measured in the same rounds. Products go through as many matrices as no cache holds, as
 * those of a model do.
 */
final class EfficiencySection {
  private static final String GEMM = "gemm.efficiency";
  private static final String GEMV = "gemv.efficiency";
  private static final double TARGET = 0.85;

  /** Weights of all matrices together, as stored. */
  private static final long BYTES = 256L << 20;

  private final Results results;
  private final Setting setting;
  private final Limits limits;

  EfficiencySection(Results results, Setting setting, Limits limits) {
    this.results = results;
    this.setting = setting;
    this.limits = limits;
  }

  void run() throws InterruptedException {
    for (QuantFormat format : Shape.FORMATS) {
      String suffix = "." + Shape.name(format);
      if (results.wants(GEMM + ".b32" + suffix)
          || results.wants(GEMM + ".b128" + suffix)
          || results.wants(GEMV + suffix)) {
        run(format, suffix);
      }
    }
  }

  private void run(QuantFormat format, String suffix) throws InterruptedException {
    TransformerSpec shape = (setting.smoke() ? Shape.TINY : Shape.B1).spec();
    int rows = shape.feedForwardLength();
    int columns = shape.embeddingLength();
    long matrixBytes = format.bytes((long) rows * columns);
    int count = setting.smoke() ? 2 : (int) Math.ceilDiv(BYTES, matrixBytes);
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find("vector").open(new BackendConfig(setting.threads()))) {
      TransformerSpec one =
          SyntheticModel.shape(
              1, columns, shape.heads(), shape.kvHeads(), rows, 256, shape.tiedOutput());
      Tensor matrix =
          SyntheticModel.of(one, format, setting.seed(), arena).weights().layers().getFirst().up();
      List<Weights> weights = new ArrayList<>();
      try {
        for (int i = 0; i < count; i++) {
          weights.add(backend.prepare(List.of(matrix)));
        }
        gemv(backend, weights, matrix, suffix);
        for (int tokens : new int[] {32, 128}) {
          gemm(backend, weights, matrix, tokens, suffix);
        }
      } finally {
        weights.forEach(Weights::close);
      }
    } catch (PeerException e) {
      throw new IllegalStateException("no peer takes part", e);
    }
  }

  private void gemv(Backend backend, List<Weights> weights, Tensor matrix, String suffix)
      throws PeerException, InterruptedException {
    // Where a format is read in place, the prepared form takes nothing more.
    long each = Math.max(weights.getFirst().bytes(), matrix.data().byteSize());
    double bytes = (double) weights.size() * each;
    Map<String, Series> rates = products(backend, weights, matrix, 1, seconds -> bytes / seconds);
    results.add(
        Line.against(
                GEMV + suffix,
                rates.get(WeftSteps.NAME),
                "bytes per second",
                "read bandwidth",
                rates.get(Limits.READ),
                TARGET,
                "%d matrices of %d x %d, 1 token; prepared weights %.0f bytes"
                    .formatted(weights.size(), matrix.rows(), matrix.columns(), bytes))
            .with(Map.of(Limits.FMA, rates.get(Limits.FMA).median())));
  }

  private void gemm(
      Backend backend, List<Weights> weights, Tensor matrix, int tokens, String suffix)
      throws PeerException, InterruptedException {
    double operations = 2.0 * tokens * matrix.rows() * matrix.columns() * weights.size();
    Map<String, Series> rates =
        products(backend, weights, matrix, tokens, seconds -> operations / seconds);
    results.add(
        Line.against(
                GEMM + ".b" + tokens + suffix,
                rates.get(WeftSteps.NAME),
                "operations per second, a multiply-add is two",
                "multiply-add rate",
                rates.get(Limits.FMA),
                TARGET,
                "%d matrices of %d x %d, %d tokens"
                    .formatted(weights.size(), matrix.rows(), matrix.columns(), tokens))
            .with(Map.of(Limits.READ, rates.get(Limits.READ).median())));
  }

  private interface Rate {
    double of(double seconds);
  }

  private Map<String, Series> products(
      Backend backend, List<Weights> weights, Tensor matrix, int tokens, Rate rate)
      throws PeerException, InterruptedException {
    Activations x = backend.allocate(tokens, matrix.columns());
    float[] values = new float[matrix.columns()];
    for (int t = 0; t < tokens; t++) {
      Arrays.fill(values, 0.01f * (t + 1));
      x.write(t, values, 0, values.length);
    }
    Activations out = backend.allocate(tokens, weights.getFirst().outputs());
    Rounds rounds =
        new Rounds()
            .add(
                WeftSteps.NAME,
                () -> {
                  long start = System.nanoTime();
                  for (Weights each : weights) {
                    backend.matmul(each, x, tokens, out);
                  }
                  return rate.of(Rounds.secondsSince(start));
                });
    return limits.addTo(rounds).run(setting.warmUp() + 1, setting.repetitions());
  }
}
