package dev.weft.jobs.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.PiecewiseLinear;
import dev.weft.batching.cost.PiecewiseLinear.Point;
import dev.weft.batching.cost.StepCurve;
import dev.weft.jobs.run.PlanSummary.CalibrationInfo;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

class SampledSpeedTest {
  @Test
  void theFactorIsTheMedianOverThePredictedTime() {
    double[] predicted = new double[40];
    double[] real = new double[40];
    Arrays.fill(predicted, 0.01);
    Arrays.setAll(real, i -> i < 10 ? 1 : 0.012);
    assertThat(SampledSpeed.of(predicted, real))
        .hasValueSatisfying(
            speed -> {
              assertThat(speed.factor()).isCloseTo(1.2, Assertions.within(1e-9));
              assertThat(speed.steps()).isEqualTo(40);
            });
    assertThat(SampledSpeed.of(new double[5], new double[5])).isEmpty();
  }

  @Test
  void aCorrectionChangesTimesAndNotTheirRelationAndIsNamed() {
    ModelShape shape = new ModelShape(1_000_000, 4, 64, 64, 4, 1);
    DeviceProfile profile = new DeviceProfile("d", 1e9, 1e8, 0.2, "calibration");
    StepCurve curve =
        new StepCurve(
            new PiecewiseLinear(List.of(new Point(1, 1e-3), new Point(256, 1e-1))),
            new PiecewiseLinear(List.of(new Point(0, 0), new Point(64, 1e-3))),
            1e-9,
            1e-8);
    DeviceRates rates =
        new DeviceRates(
            profile, curve, new CalibrationInfo("d", "vector", 1e9, 1e8, 0.2, 0.03, "measured"));
    DeviceRates corrected = rates.correctedBySample(new SampledSpeed(1.25, 300));
    CostModel before = rates.cost(shape);
    CostModel after = corrected.cost(shape);
    assertThat(after.stepSeconds(100, 3, 50, 70))
        .isCloseTo(1.25 * before.stepSeconds(100, 3, 50, 70), Assertions.within(1e-12));
    assertThat(after.computeSeconds(100, 0, 10) / after.memorySeconds(100, 10))
        .isCloseTo(
            before.computeSeconds(100, 0, 10) / before.memorySeconds(100, 10),
            Assertions.within(1e-9));
    assertThat(corrected.profile().source()).isEqualTo("calibration+sample");
    assertThat(corrected.info().source())
        .isEqualTo("measured+sample: step times x 1.250 by 300 steps");
  }
}
