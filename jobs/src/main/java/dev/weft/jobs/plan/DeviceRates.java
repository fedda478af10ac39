package dev.weft.jobs.plan;

import dev.weft.batching.cost.DeviceProfile;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.prepare.ModelFacts;
import dev.weft.jobs.prepare.ModelFile;
import dev.weft.jobs.run.PlanSummary.CalibrationInfo;
import java.util.function.Consumer;

/**
 * Rates of the device that the plan is for.
 *
 * @param profile what the cost model takes
 * @param info the same for people
 */
public record DeviceRates(DeviceProfile profile, CalibrationInfo info) {

  /** Rates of this machine with this model. */
  public static DeviceRates of(
      WeftConfig config, ModelFile file, ModelFacts model, Consumer<String> warnings) {
    warnings.accept("device rates are assumed, not measured: predicted times are no promise");
    DeviceProfile assumed = new DeviceProfile("cpu", 2e10, 1e10, 0, "assumed");
    return new DeviceRates(
        assumed,
        new CalibrationInfo(
            assumed.device(),
            config.engine().backend().name(),
            assumed.flopsPerSecond(),
            assumed.bytesPerSecond(),
            assumed.overlap(),
            assumed.source()));
  }
}
