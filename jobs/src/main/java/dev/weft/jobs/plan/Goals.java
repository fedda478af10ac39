package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.Objective;
import dev.weft.batching.cost.Prices;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.run.PlanSummary.ObjectiveInfo;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import java.util.List;
import java.util.Locale;

/** What a plan makes little of, and the policy that follows from it. */
public final class Goals {
  /** Policy that is planned with where predictions have not said anything. */
  public static final String FIRST_POLICY = "blend";

  /** Part by which another policy must be better to be taken instead. */
  private static final double WORTHWHILE = 0.01;

  private Goals() {}

  /** The cost model with the configured objective; by time where what it needs is not known. */
  public static CostModel with(CostModel cost, WeftConfig config) {
    DeviceProfile device = cost.device();
    Prices prices = config.cost().prices();
    return missing(device, config).isEmpty()
        ? cost.withObjective(
            switch (config.plan().objective()) {
              case TIME -> Objective.TIME;
              case ENERGY -> Objective.energy(device);
              case COST -> Objective.cost(device, prices);
            })
        : cost;
  }

  /** What the objective in use is, and why if it is not the configured one. */
  public static ObjectiveInfo info(DeviceProfile device, WeftConfig config) {
    String missing = missing(device, config);
    String wanted = name(config);
    return missing.isEmpty()
        ? new ObjectiveInfo(wanted, "")
        : new ObjectiveInfo(
            Objective.TIME.name(),
            "plan.objective is %s, but %s: the plan goes by time".formatted(wanted, missing));
  }

  private static String missing(DeviceProfile device, WeftConfig config) {
    Prices prices = config.cost().prices();
    boolean noPower = !device.power().known();
    return switch (config.plan().objective()) {
      case TIME -> "";
      case ENERGY -> noPower ? "the power of the device is not known until something has run" : "";
      case COST ->
          prices.none()
              ? "neither cost.pricePerHour nor cost.pricePerKwh is set"
              : prices.perKwh() > 0 && noPower
                  ? "energy has a price and the power of the device is not known until something"
                      + " has run"
                  : "";
    };
  }

  private static String name(WeftConfig config) {
    return config.plan().objective().name().toLowerCase(Locale.ROOT);
  }

  /**
   * The policy of least objective; {@link #FIRST_POLICY} unless another is better by 1%, which is
   * less than predictions can tell.
   */
  public static String best(Objective objective, List<PolicyPrediction> predictions) {
    String best = FIRST_POLICY;
    double least = Double.POSITIVE_INFINITY;
    for (PolicyPrediction p : predictions) {
      double value = value(objective, p);
      double handicap = p.policy().equals(FIRST_POLICY) ? 1 - WORTHWHILE : 1;
      if (value * handicap < least) {
        least = value * handicap;
        best = p.policy();
      }
    }
    return best;
  }

  private static double value(Objective objective, PolicyPrediction p) {
    return objective.value(p.predictedSeconds(), p.computeSeconds(), p.memorySeconds());
  }

  /** Why {@link #best} chose as it did. */
  public static String reason(
      Objective objective, List<PolicyPrediction> predictions, String best) {
    double chosen = value(objective, named(predictions, best));
    double first = value(objective, named(predictions, FIRST_POLICY));
    return best.equals(FIRST_POLICY)
        ? String.format(
            Locale.ROOT,
            "plan.policy is auto: no other policy is predicted to take 1%% less %s",
            objective.name())
        : String.format(
            Locale.ROOT,
            "plan.policy is auto: %s is predicted to take %.1f%% less %s than %s",
            best,
            100 * (1 - chosen / first),
            objective.name(),
            FIRST_POLICY);
  }

  private static PolicyPrediction named(List<PolicyPrediction> predictions, String policy) {
    return predictions.stream().filter(p -> p.policy().equals(policy)).findFirst().orElseThrow();
  }
}
