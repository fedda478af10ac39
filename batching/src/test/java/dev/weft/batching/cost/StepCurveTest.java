package dev.weft.batching.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.batching.cost.PiecewiseLinear.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StepCurveTest {
  /** A device whose kernels change at 4 and 16 rows. */
  private static final StepCurve TRUE =
      new StepCurve(
          curve(1, 5e-3, 4, 6e-3, 16, 20e-3, 256, 200e-3),
          curve(0, 0, 1, 1e-3, 64, 9e-3),
          2e-7,
          3e-6);

  private static PiecewiseLinear curve(double... pairs) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < pairs.length; i += 2) {
      points.add(new Point((long) pairs[i], pairs[i + 1]));
    }
    return new PiecewiseLinear(points);
  }

  @Test
  void curvesInterpolateGoOnAndNeverFall() {
    PiecewiseLinear c = curve(1, 2, 3, 6, 7, 6, 9, 8);
    assertThat(c.at(0)).isEqualTo(2);
    assertThat(c.at(1)).isEqualTo(2);
    assertThat(c.at(2)).isEqualTo(4);
    assertThat(c.at(5)).isEqualTo(6);
    assertThat(c.at(8)).isEqualTo(7);
    assertThat(c.at(19)).isEqualTo(18);
    assertThat(curve(4, 1).at(100)).isEqualTo(1);
    assertThatThrownBy(() -> curve(1, 2, 2, 1)).hasMessageContaining("seconds=1.0");
    assertThatThrownBy(() -> curve(1, 2, 1, 3)).hasMessageContaining("ascending");
    assertThatThrownBy(() -> curve(1, Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> curve(1, -1)).hasMessageContaining("-1");
    assertThatThrownBy(() -> new PiecewiseLinear(List.of())).hasMessageContaining("point");
  }

  @Test
  void theFitFindsTheCurveThroughNoiseAndInterruptions() {
    long seed = new Random().nextLong();
    System.out.println("StepCurveTest seed " + seed);
    Random random = new Random(seed);
    List<MeasuredStep> steps = steps(random);
    StepCurve fit = StepCurveFit.fit(steps);
    for (MeasuredStep s : steps) {
      double wanted = seconds(TRUE, s);
      assertThat(seconds(fit, s))
          .as("seed %d, %s", seed, s)
          .isCloseTo(wanted, within(0.1 * wanted));
    }
    assertThat(StepCurveFit.medianError(fit, steps)).isLessThan(0.05);
    double before = 0;
    for (int tokens = 1; tokens <= 512; tokens++) {
      double now = fit.seconds(tokens, 1, 0, 0);
      assertThat(now).as("seed %d, %d tokens", seed, tokens).isGreaterThanOrEqualTo(before);
      before = now;
    }
    for (int rows = 1; rows <= 128; rows++) {
      assertThat(fit.seconds(128, rows, 0, 0))
          .isGreaterThanOrEqualTo(fit.seconds(128, rows - 1, 0, 0));
    }
  }

  @Test
  void aFitOfFewStepsIsStillACurve() {
    StepCurve one = StepCurveFit.fit(List.of(new MeasuredStep(8, 8, 0, 80, 0.01)));
    assertThat(one.seconds(8, 8, 0, 80)).isCloseTo(0.01, within(1e-6));
    assertThat(one.seconds(1000, 1000, 1000, 1000)).isPositive();
    assertThatThrownBy(() -> StepCurveFit.fit(List.of())).hasMessageContaining("no measured steps");
    assertThatThrownBy(() -> new MeasuredStep(0, 0, 0, 0, 1)).hasMessageContaining("tokens=0");
  }

  @Test
  void theCostModelTakesStepTimesFromTheCurveAndSharesFromTheRates() {
    ModelShape shape = new ModelShape(100_000_000, 30, 576, 192, 4, 1.0625, 28_000_000);
    CostModel rates = new CostModel(shape, new DeviceProfile("d", 1e11, 1e10, 0, "test"));
    CostModel measured = rates.withCurve(TRUE);
    assertThat(measured.stepSeconds(10, 2, 30, 40)).isEqualTo(TRUE.seconds(10, 2, 30, 40));
    assertThat(measured.stepSeconds(0, 0, 0, 0)).isZero();
    assertThat(measured.stepComputeSeconds(10, 2, 30))
        .isEqualTo(rates.stepComputeSeconds(10, 2, 30));
    assertThat(measured.stepMemorySeconds(40)).isEqualTo(rates.stepMemorySeconds(40));
    assertThat(TRUE.times(2).seconds(10, 2, 30, 40))
        .isCloseTo(2 * TRUE.seconds(10, 2, 30, 40), within(1e-12));
  }

  @Test
  void ratesReadOffTheCurveGiveItsTimesBack() {
    ModelShape shape = new ModelShape(100_000_000, 30, 576, 192, 4, 1.0625, 28_000_000);
    DeviceProfile device = CalibratedRates.of("d", shape, TRUE, 256, 0.1, "calibration");
    CostModel cost = new CostModel(shape, device);
    assertThat(cost.stepComputeSeconds(256, 1, 10_000))
        .isCloseTo(TRUE.seconds(256, 1, 10_000, 0), within(1e-9));
    assertThat(cost.stepMemorySeconds(1_000) - cost.stepMemorySeconds(0))
        .isCloseTo(3e-3, within(1e-9));
    assertThat(device.overlap()).isEqualTo(0.1);
  }

  private static double seconds(StepCurve curve, MeasuredStep s) {
    return curve.seconds(s.tokens(), s.logitTokens(), s.prefillPairs(), s.kvTokensRead());
  }

  /** Prompts, generation and both, 2% noise, one in twenty steps takes up to four times as long. */
  private static List<MeasuredStep> steps(Random random) {
    List<MeasuredStep> steps = new ArrayList<>();
    for (int round = 0; round < 8; round++) {
      for (int n : new int[] {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
        steps.add(step(random, n, 1, (long) n * (n + 1) / 2, 0));
        for (int context = 10; context <= 1_000; context *= 10) {
          steps.add(step(random, Math.min(n, 64), Math.min(n, 64), 0, (long) n * context));
        }
        steps.add(step(random, 256, 1, 256L * n, n));
      }
    }
    return steps;
  }

  private static MeasuredStep step(Random random, long tokens, long logits, long pairs, long kv) {
    double seconds = TRUE.seconds(tokens, logits, pairs, kv) * (1 + 0.02 * random.nextGaussian());
    double late = random.nextInt(20) == 0 ? 1 + 3 * random.nextDouble() : 1;
    return new MeasuredStep(tokens, logits, pairs, kv, seconds * late);
  }
}
