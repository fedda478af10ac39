package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.PowerModel;
import dev.weft.batching.cost.StepCurve;
import dev.weft.jobs.infer.DeviceCalibration;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.run.PlanSummary.CalibrationInfo;
import java.util.Locale;

/**
 * Rates of the device that the plan is for.
 *
 * @param profile what the planner reasons with
 * @param curve what predicts the time of steps
 * @param info the same for people
 */
public record DeviceRates(DeviceProfile profile, StepCurve curve, CalibrationInfo info) {

  /** Rates that were measured with this engine. */
  public static DeviceRates of(DeviceCalibration.Measured measured, EngineSpec spec) {
    DeviceProfile p = measured.rates().profile();
    return new DeviceRates(
        p,
        measured.rates().curve(),
        info(p, spec.backend(), measured.rates().spread(), measured.source()));
  }

  /** The cost model of a model on this device. */
  public CostModel cost(ModelShape model) {
    return new CostModel(model, profile).withCurve(curve);
  }

  /** The same for a device that turned out slower by a factor when a sample of the job ran. */
  public DeviceRates correctedBySample(SampledSpeed speed) {
    double factor = speed.factor();
    DeviceProfile p =
        new DeviceProfile(
            profile.device(),
            profile.flopsPerSecond() / factor,
            profile.bytesPerSecond() / factor,
            profile.overlap(),
            profile.source() + "+sample",
            profile.stepOverheadSeconds() * factor,
            profile.sharedReadGroup(),
            profile.attentionFraction(),
            profile.power());
    return new DeviceRates(
        p,
        curve.times(factor),
        info(
            p,
            info.backend(),
            info.spread(),
            String.format(
                Locale.ROOT,
                "%s+sample: step times x %.3f by %d steps",
                info.source(),
                factor,
                speed.steps())));
  }

  /** The same with the power that was measured. */
  public DeviceRates withPower(PowerModel power) {
    return new DeviceRates(profile.withPower(power), curve, info);
  }

  private static CalibrationInfo info(
      DeviceProfile p, String backend, double spread, String source) {
    return new CalibrationInfo(
        p.device(), backend, p.flopsPerSecond(), p.bytesPerSecond(), p.overlap(), spread, source);
  }
}
