package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.col;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.plan.DeviceRates;
import dev.weft.jobs.plan.JobPlan;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.CostEstimate;
import dev.weft.jobs.run.PlanSummary.MemoryPlan;
import dev.weft.jobs.run.PlanSummary.PlannedGroup;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.Row;

/** Puts a plan into words and numbers for people. */
final class PlanSummaries {
  private PlanSummaries() {}

  /**
   * @param watts mean power of the device if something was measured, else NaN
   * @param wattsSource where it comes from
   */
  record Power(double watts, String wattsSource) {
    static final Power UNKNOWN = new Power(Double.NaN, "unknown until something has run");
  }

  static PlanSummary of(
      WeftConfig config,
      RowCounts counts,
      JobPlan plan,
      Sizing sizing,
      long weightBytes,
      DeviceRates rates,
      String lengthSource,
      int sampled,
      Power power,
      RunState state) {
    List<PolicyPrediction> predictions = plan.predictions();
    double seconds =
        predictions.stream()
            .filter(p -> p.policy().equals(plan.plan().policy()))
            .mapToDouble(PolicyPrediction::predictedSeconds)
            .sum();
    return new PlanSummary(
        plan.plan().policy(),
        note(plan, sizing.engines()),
        counts.rows(),
        counts.errors(),
        counts.duplicates(),
        plan.plan().order().size(),
        plan.plan().promptTokens(),
        plan.plan().reusableTokens(),
        plan.expectedOutputTokens(),
        lengthSource,
        sampled,
        plan.treeNodes(),
        plan.plan().partitions().size(),
        predictions,
        new MemoryPlan(
            weightBytes, sizing.kvBytes(), sizing.kvTokens(), config.engine().maxSequences()),
        rates.info(),
        cost(config, seconds, power),
        preview(plan, state));
  }

  /** The plan of no requests. */
  static PlanSummary empty(
      WeftConfig config, RowCounts counts, Sizing sizing, long weightBytes, DeviceRates rates) {
    return new PlanSummary(
        config.plan().policy().name().toLowerCase(Locale.ROOT),
        "there is nothing to run",
        counts.rows(),
        counts.errors(),
        counts.duplicates(),
        0,
        0,
        0,
        0,
        "max_tokens",
        0,
        0,
        0,
        List.of(),
        new MemoryPlan(
            weightBytes, sizing.kvBytes(), sizing.kvTokens(), config.engine().maxSequences()),
        rates.info(),
        cost(config, 0, Power.UNKNOWN),
        List.of());
  }

  private static String note(JobPlan plan, int engines) {
    List<String> notes = new ArrayList<>(plan.plan().notes());
    if (!plan.simulates()) {
      notes.add("times are sums over requests: the plan is too large to simulate step by step");
    }
    if (engines > 1) {
      notes.add("times are those of one engine; " + engines + " will share the work");
    }
    return String.join("; ", notes);
  }

  /** Energy is that of the device seconds; money is machine hours and energy at their prices. */
  static CostEstimate cost(WeftConfig config, double deviceSeconds, Power power) {
    double joules = deviceSeconds * power.watts();
    return new CostEstimate(
        joules,
        power.wattsSource(),
        money(config, deviceSeconds, joules),
        config.cost().currency());
  }

  static double money(WeftConfig config, double deviceSeconds, double joules) {
    double perHour = config.cost().pricePerHour();
    double perKwh = config.cost().pricePerKwh();
    if (perHour == 0 && perKwh == 0) {
      return Double.NaN;
    }
    double energy = perKwh == 0 ? 0 : joules / 3.6e6 * perKwh;
    return deviceSeconds / 3600 * perHour + energy;
  }

  private static List<PlannedGroup> preview(JobPlan plan, RunState state) {
    List<PlannedGroup> groups = plan.preview();
    Object[] keys = groups.stream().map(plan::firstKey).toArray();
    Map<Long, String> ids = new HashMap<>();
    for (Row row :
        state.prepared().where(col("row_key").isin(keys)).select("row_key", "id").collectAsList()) {
      ids.put(row.getLong(0), row.getString(1));
    }
    return groups.stream()
        .map(
            g ->
                new PlannedGroup(
                    g.position(),
                    g.requests(),
                    g.sharedPrefixTokens(),
                    g.density(),
                    ids.get(plan.firstKey(g))))
        .toList();
  }
}
