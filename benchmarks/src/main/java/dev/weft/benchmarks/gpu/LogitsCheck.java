package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * {@code check.logits.*}: all logits of some steps of a small model against those of a CPU backend:
 * prompts over several pages, single tokens, both in one step. A device that computes something
 * else is not measured.
 */
final class LogitsCheck {
  /** The one that rounds nothing of any format's activations. */
  private static final String CPU = "scalar";

  /** As a share of the largest logit: the device sums in f32. */
  private static final double TOLERANCE = 1e-3;

  /** The same where the device rounds activations. */
  private static final double ROUNDED_TOLERANCE = 3e-2;

  /** The same where it rounds weights and activations to f16. */
  private static final double HALF_TOLERANCE = 5e-3;

  private static final TransformerSpec SPEC = SyntheticModel.shape(2, 256, 4, 2, 512, 1000, false);
  private static final int[][] PAGES = {{4, 1, 6, 3}, {0, 7, 2, 5}, {8, 9, 10, 11}};
  private static final int[] PROMPTS = {5, 33, 48};
  private static final int STEPS = 2;

  private LogitsCheck() {}

  /**
   * @throws IllegalStateException if logits differ by more than rounding
   */
  static void run(Results results, GpuSetting setting) {
    for (QuantFormat format : GpuShape.FORMATS) {
      String name = "check.logits." + GpuShape.name(format) + setting.suffix();
      if (results.wants(name)) {
        run(name, format, results, setting);
      }
    }
  }

  private static void run(String name, QuantFormat format, Results results, GpuSetting setting) {
    try (Arena arena = Arena.ofShared();
        Backend device = setting.open();
        Backend cpu =
            Backends.find(CPU)
                .open(new BackendConfig(Runtime.getRuntime().availableProcessors()))) {
      SyntheticModel model = SyntheticModel.of(SPEC, format, setting.seed(), arena);
      float[] expected = logits(model, cpu, setting.seed());
      float[] actual = logits(model, device, setting.seed());
      double tolerance = tolerance(model, device);
      double largest = 0;
      double worst = 0;
      for (int i = 0; i < expected.length; i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
        double difference = Math.abs(actual[i] - expected[i]);
        worst = Double.isFinite(difference) ? Math.max(worst, difference) : Double.MAX_VALUE;
      }
      results.add(
          Line.against(
              name,
              Series.of(worst / largest),
              "largest difference as a share of the largest logit; the ratio must not exceed 1",
              "tolerance against backend " + CPU,
              Series.of(tolerance),
              Double.NaN,
              "%d logits: 3 ragged prompts over pages in any order, steps of them, a prompt beside steps"
                  .formatted(expected.length)));
      if (worst > tolerance * largest) {
        throw new IllegalStateException(
            String.format(
                Locale.ROOT,
                "%s: logits differ by %.3g from those of backend %s, of which the largest is %.3g;"
                    + " speeds of wrong answers are not measured. Run the tests of the backend on"
                    + " this device",
                name,
                worst,
                CPU,
                largest));
      }
    }
  }

  private static double tolerance(SyntheticModel model, Backend backend) {
    try (Weights weights = backend.prepare(List.of(model.weights().output()))) {
      return weights.roundsActivations()
          ? ROUNDED_TOLERANCE
          : weights.roundsToHalf() ? HALF_TOLERANCE : TOLERANCE;
    }
  }

  /** Of every token of every step. */
  private static float[] logits(SyntheticModel model, Backend backend, long seed) {
    try (var transformer =
        Transformer.open(model.spec(), model.weights(), backend, new KvConfig(12))) {
      var all = new Recorder(transformer);
      // Two sequences, then steps of both, then the third one's prompt beside a step.
      int[] positions = new int[PROMPTS.length];
      all.add(0, positions, ForwardSteps.tokens(PROMPTS[0], seed));
      all.add(1, positions, ForwardSteps.tokens(PROMPTS[1], seed + 1));
      all.run();
      for (int step = 0; step <= STEPS; step++) {
        all.add(0, positions, ForwardSteps.tokens(1, seed + 10 + step));
        if (step == STEPS) {
          all.add(2, positions, ForwardSteps.tokens(PROMPTS[2], seed + 2));
        }
        all.add(1, positions, ForwardSteps.tokens(1, seed + 20 + step));
        all.run();
      }
      return all.logits;
    }
  }

  private static final class Recorder {
    private final Transformer transformer;
    private final StepBatch batch = new StepBatch();
    private float[] logits = {};

    Recorder(Transformer transformer) {
      this.transformer = transformer;
    }

    void add(int sequence, int[] positions, int[] tokens) {
      batch.beginSequence(PAGES[sequence]);
      for (int token : tokens) {
        batch.addToken(token, positions[sequence]++, true);
      }
    }

    void run() {
      float[] step = new float[batch.logitsRows() * transformer.spec().vocabSize()];
      transformer.forward(batch, step);
      int before = logits.length;
      logits = Arrays.copyOf(logits, before + step.length);
      System.arraycopy(step, 0, logits, before, step.length);
      batch.clear();
    }
  }
}
