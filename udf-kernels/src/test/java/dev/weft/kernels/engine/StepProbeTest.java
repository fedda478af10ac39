package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.weft.batching.cost.MeasuredStep;
import dev.weft.batching.cost.StepCurveFit;
import dev.weft.batching.schedule.StepLimits;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepProbeTest {
  @TempDir static Path folder;

  @Test
  void measuresEveryKindOfStepThatTheLimitsAllow() throws Exception {
    var limits = new StepLimits(40, 8);
    try (Engine engine =
        Engine.open(
            EngineConfig.builder(TinyModel.write(folder))
                .backend("scalar")
                .threads(1)
                .kvBudgetBytes(1 << 20)
                .budgetTokens(limits.budgetTokens())
                .maxSequences(limits.maxSequences())
                .stepMetricsEvery(1)
                .build())) {
      List<MeasuredStep> steps = StepProbe.measure(engine, limits, 10, 7);
      assertThat(steps).allMatch(s -> s.tokens() <= 40 && s.logitTokens() <= 8);
      assertThat(steps).anyMatch(s -> s.tokens() == 1 && s.prefillPairs() == 1);
      assertThat(steps).anyMatch(s -> s.tokens() == 40 && s.prefillPairs() == 40 * 41 / 2);
      assertThat(steps)
          .anyMatch(s -> s.tokens() == 8 && s.logitTokens() == 8 && s.kvTokensRead() > 24);
      assertThat(steps).anyMatch(s -> s.prefillPairs() > 0 && s.kvTokensRead() > 0);
      assertThat(engine.totals().sharedTokens()).isPositive();
    }
  }

  /**
   * A device that compiles for seconds what it has not run yet. Measured without running it before,
   * a job of seconds was predicted to take hours.
   */
  @Test
  void compilingIsNoPartOfWhatIsMeasured() throws Exception {
    var limits = new StepLimits(256, 64);
    for (double seconds : new double[] {1, 8}) {
      var device = new CompilingDevice();
      List<MeasuredStep> steps =
          new StepProbe(device, device.info(), device::nanos, limits, 7).measure(seconds);
      assertThat(steps)
          .allSatisfy(s -> assertThat(s.seconds()).isEqualTo(CompilingDevice.seconds(s.tokens())));
      assertThat(steps).anyMatch(s -> s.tokens() == 256);
      assertThat(steps).anyMatch(s -> s.logitTokens() == 64);
      assertThat(StepCurveFit.fit(steps).seconds(256, 64, 256 * 128, 256 * 128))
          .isCloseTo(CompilingDevice.seconds(256), withinPercentage(5));
    }
  }

  @Test
  void aPoolThatHoldsLittleIsMeasuredAsFarAsItGoes() throws Exception {
    Path model = TinyModel.write(folder);
    long pageBytes;
    try (Engine engine = Engine.open(EngineConfig.builder(model).kvBudgetBytes(1 << 20).build())) {
      pageBytes = engine.info().kvBytes() / engine.info().kvPages();
    }
    try (Engine engine =
        Engine.open(
            EngineConfig.builder(model)
                .backend("scalar")
                .threads(1)
                .kvBudgetBytes(4 * pageBytes)
                .stepMetricsEvery(1)
                .build())) {
      assertThat(StepProbe.measure(engine, new StepLimits(256, 64), 0.5, 7)).isNotEmpty();
      assertThat(engine.totals().errorRequests()).isZero();
    }
  }
}
