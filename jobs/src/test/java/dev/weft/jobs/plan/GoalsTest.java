package dev.weft.jobs.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.Objective;
import dev.weft.batching.cost.PowerModel;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.Range;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GoalsTest {
  private static final DeviceProfile UNKNOWN = new DeviceProfile("d", 1e12, 1e11, 0.5, "test");
  private static final DeviceProfile KNOWN =
      UNKNOWN.withPower(new PowerModel(20, 1e-10, 1e-9, "test"));

  @Test
  void theConfiguredObjectiveIsUsedWhereWhatItNeedsIsKnown() {
    assertThat(objective(KNOWN, Map.of())).isEqualTo("time");
    assertThat(objective(KNOWN, Map.of("plan.objective", "energy"))).isEqualTo("energy");
    assertThat(objective(UNKNOWN, Map.of("plan.objective", "cost", "cost.pricePerHour", "2")))
        .isEqualTo("cost");
    assertThat(objective(KNOWN, Map.of("plan.objective", "cost", "cost.pricePerKwh", "0.3")))
        .isEqualTo("cost");
  }

  @Test
  void otherwiseThePlanGoesByTimeAndSaysWhy() {
    assertFallback(UNKNOWN, Map.of("plan.objective", "energy"), "power of the device");
    assertFallback(KNOWN, Map.of("plan.objective", "cost"), "cost.pricePerHour");
    assertFallback(
        UNKNOWN, Map.of("plan.objective", "cost", "cost.pricePerKwh", "0.3"), "energy has a price");
  }

  @Test
  void theObjectiveDecidesBetweenPolicies() {
    // dfs is a tenth slower and computes a third less.
    List<PolicyPrediction> predictions =
        List.of(
            prediction("fcfs", 200, 120, 80),
            prediction("dfs", 110, 60, 80),
            prediction("blend", 100, 90, 80));
    Objective energy = Objective.energy(KNOWN);
    assertThat(Goals.best(Objective.TIME, predictions)).isEqualTo("blend");
    assertThat(Goals.best(energy, predictions)).isEqualTo("dfs");
    assertThat(Goals.reason(energy, predictions, "dfs"))
        .contains("dfs is predicted to take", "less energy than blend");
    assertThat(Goals.reason(Objective.TIME, predictions, "blend")).contains("no other policy");
  }

  @Test
  void aDifferenceThatPredictionsCannotTellChangesNothing() {
    assertThat(
            Goals.best(
                Objective.TIME,
                List.of(prediction("random", 99.5, 90, 80), prediction("blend", 100, 90, 80))))
        .isEqualTo("blend");
  }

  private static void assertFallback(DeviceProfile device, Map<String, String> keys, String why) {
    assertThat(objective(device, keys)).isEqualTo("time");
    assertThat(Goals.info(device, config(keys)).name()).isEqualTo("time");
    assertThat(Goals.info(device, config(keys)).note())
        .contains("plan.objective is " + keys.get("plan.objective"), why, "by time");
  }

  private static String objective(DeviceProfile device, Map<String, String> keys) {
    CostModel cost = new CostModel(new ModelShape(1_000_000, 2, 64, 32, 2, 2), device);
    return Goals.with(cost, config(keys)).objective().name();
  }

  private static WeftConfig config(Map<String, String> keys) {
    Map<String, String> all = new HashMap<>(keys);
    all.put("cost.currency", "EUR");
    return WeftConfig.of(all);
  }

  private static PolicyPrediction prediction(
      String policy, double seconds, double compute, double memory) {
    return new PolicyPrediction(
        policy, seconds, seconds, seconds, compute, memory, 0, 0, Range.UNKNOWN, Range.UNKNOWN);
  }
}
