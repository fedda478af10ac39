package dev.weft.jobs.infer;

import dev.weft.batching.cost.CalibratedRates;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.MeasuredStep;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.StepCurve;
import dev.weft.batching.cost.StepCurveFit;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.jobs.error.WeftException;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.Calibration;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.StepProbe;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Measures steps with the engine that will run and fits their curve. How far compute and memory
 * traffic overlap, and what sequences that share a prefix save in reading it, are too small effects
 * to be seen in whole steps; the kernels' own calibration tells them from interleaved rounds.
 */
public final class RateProbe {
  private static final long SEED = 20260101;

  /** Seconds for a small model; a model of 120 million parameters and more gets the most. */
  private static final double LEAST_SECONDS = 8;

  private static final double MOST_SECONDS = 18;
  private static final double PARAMETERS_PER_SECOND = 12e6;

  private RateProbe() {}

  /**
   * Measures the kernels alone, then whole steps with an engine that is opened, or shared, in this
   * process.
   *
   * @param seconds that the steps are measured for, about; 0 for what the size of the model asks
   *     for
   * @throws WeftException if the backend or the engine fails
   */
  static EngineRates measure(EngineSpec spec, ModelShape shape, int seconds, Configuration hadoop)
      throws InterruptedException, IOException {
    StepLimits limits = new StepLimits(spec.budgetTokens(), spec.maxSequences());
    try {
      DeviceProfile kernels =
          kernels(
              spec.model().local(hadoop),
              Backends.find(spec.backend()),
              new BackendConfig(spec.threads()).onDevice(spec.device()));
      EngineSpec counting = spec.withCostModel(new CostModel(shape, kernels));
      try (EnginePool.Lease lease = EnginePool.acquire(counting, hadoop)) {
        return measure(
            lease.engine(), shape, limits, kernels, seconds > 0 ? seconds : seconds(shape));
      }
    } catch (WeftException e) {
      throw e;
    } catch (RuntimeException | OutOfMemoryError e) {
      throw new WeftException(
          EngineFaults.code(e),
          "the rates of backend %s, device %d cannot be measured: %s"
              .formatted(spec.backend(), spec.device(), e.getMessage()),
          e);
    }
  }

  /**
   * Rates of the kernels alone: what only interleaved rounds show, and too rough for predictions.
   *
   * @throws IOException if the model cannot be read
   */
  public static DeviceProfile kernels(Path model, BackendProvider provider, BackendConfig config)
      throws IOException {
    try (Model opened = Model.open(model);
        Backend backend = provider.open(config)) {
      Calibration rates =
          Calibration.measure(backend, opened.spec(), opened.weights().layers().getFirst().gate());
      return new DeviceProfile(
              Machine.device(provider, config.device()),
              rates.flopsPerSecond(),
              rates.bytesPerSecond(),
              rates.overlap(),
              "kernels")
          .withSharedReadGroup(rates.sharedReadGroup());
    }
  }

  /**
   * Measures with an engine that keeps the metrics of every step and has nothing else to do.
   *
   * @param kernels the engine's own device profile, of which name, overlap and shared reads are
   *     taken over
   */
  public static EngineRates measure(
      Engine engine, ModelShape shape, StepLimits limits, DeviceProfile kernels)
      throws InterruptedException {
    return measure(engine, shape, limits, kernels, seconds(shape));
  }

  private static double seconds(ModelShape shape) {
    double parameters = shape.parametersPerToken() + (double) shape.headParameters();
    return Math.clamp(
        LEAST_SECONDS + parameters / PARAMETERS_PER_SECOND, LEAST_SECONDS, MOST_SECONDS);
  }

  private static EngineRates measure(
      Engine engine, ModelShape shape, StepLimits limits, DeviceProfile kernels, double seconds)
      throws InterruptedException {
    long began = System.nanoTime();
    List<MeasuredStep> steps = StepProbe.measure(engine, limits, seconds, SEED);
    StepCurve curve = StepCurveFit.fit(steps);
    return new EngineRates(
        EngineRates.VERSION,
        CalibratedRates.of(
                kernels.device(),
                shape,
                curve,
                limits.budgetTokens(),
                kernels.overlap(),
                "calibration")
            .withSharedReadGroup(kernels.sharedReadGroup()),
        curve,
        StepCurveFit.medianError(curve, steps),
        steps.size(),
        (System.nanoTime() - began) / 1e9);
  }
}
