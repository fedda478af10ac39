package dev.weft.jobs.infer;

import dev.weft.batching.cost.CalibratedRates;
import dev.weft.batching.cost.MeasuredStep;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.StepCurve;
import dev.weft.batching.cost.StepCurveFit;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.Calibration;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineInfo;
import dev.weft.kernels.engine.StepProbe;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Measures steps with the engine that will run and fits their curve. How far compute and memory
 * traffic overlap is too small an effect to be seen in whole steps; the kernels' own calibration
 * tells it from interleaved rounds.
 */
public final class RateProbe {
  private static final long SEED = 20260101;

  /** Seconds for a small model; a model of 120 million parameters and more gets the most. */
  private static final double LEAST_SECONDS = 8;

  private static final double MOST_SECONDS = 18;
  private static final double PARAMETERS_PER_SECOND = 12e6;

  private RateProbe() {}

  /**
   * Opens, or shares, an engine in this process and measures; then the overlap, with the kernels
   * alone.
   */
  static EngineRates measure(EngineSpec spec, ModelShape shape, Configuration hadoop)
      throws InterruptedException, IOException {
    EngineRates rates;
    EngineInfo info;
    try (EnginePool.Lease lease = EnginePool.acquire(spec, hadoop)) {
      rates =
          measure(
              lease.engine(), shape, new StepLimits(spec.budgetTokens(), spec.maxSequences()), 0);
      info = lease.engine().info();
    }
    try (Model model = Model.open(spec.model().local(hadoop));
        Backend kernels = Backends.find(info.backend()).open(new BackendConfig(info.threads()))) {
      double overlap =
          Calibration.measure(kernels, model.spec(), model.weights().layers().getFirst().gate())
              .overlap();
      return new EngineRates(
          EngineRates.VERSION,
          rates.profile().withOverlap(overlap),
          rates.curve(),
          rates.spread(),
          rates.steps(),
          rates.seconds());
    }
  }

  /**
   * Measures with an engine that keeps the metrics of every step and has nothing else to do.
   *
   * @param overlap of compute and memory traffic, if it is known
   */
  public static EngineRates measure(
      Engine engine, ModelShape shape, StepLimits limits, double overlap)
      throws InterruptedException {
    long began = System.nanoTime();
    double parameters = shape.parametersPerToken() + (double) shape.headParameters();
    double wanted =
        Math.clamp(LEAST_SECONDS + parameters / PARAMETERS_PER_SECOND, LEAST_SECONDS, MOST_SECONDS);
    List<MeasuredStep> steps = StepProbe.measure(engine, limits, wanted, SEED);
    StepCurve curve = StepCurveFit.fit(steps);
    return new EngineRates(
        EngineRates.VERSION,
        CalibratedRates.of(
            Machine.cpu(), shape, curve, limits.budgetTokens(), overlap, "calibration"),
        curve,
        StepCurveFit.medianError(curve, steps),
        steps.size(),
        (System.nanoTime() - began) / 1e9);
  }
}
