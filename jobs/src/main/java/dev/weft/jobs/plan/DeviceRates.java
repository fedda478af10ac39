package dev.weft.jobs.plan;

import dev.weft.batching.cost.DeviceProfile;
import dev.weft.jobs.infer.DeviceCalibration;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.run.PlanSummary.CalibrationInfo;

/**
 * Rates of the device that the plan is for.
 *
 * @param profile what the cost model takes
 * @param info the same for people
 */
public record DeviceRates(DeviceProfile profile, CalibrationInfo info) {

  /** Rates that were measured with this engine. */
  public static DeviceRates of(DeviceCalibration.Measured measured, EngineSpec spec) {
    DeviceProfile p = measured.profile();
    return new DeviceRates(
        p,
        new CalibrationInfo(
            p.device(),
            spec.backend(),
            p.flopsPerSecond(),
            p.bytesPerSecond(),
            p.overlap(),
            measured.source()));
  }
}
