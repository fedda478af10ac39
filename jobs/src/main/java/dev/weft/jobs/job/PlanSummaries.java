package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.col;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.plan.DeviceRates;
import dev.weft.jobs.plan.PlanOutline;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.CostEstimate;
import dev.weft.jobs.run.PlanSummary.Densities;
import dev.weft.jobs.run.PlanSummary.MemoryPlan;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.PlanSummary.PlannedGroup;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.Sharing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
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
      PlanOutline plan,
      Sizing sizing,
      long weightBytes,
      DeviceRates rates,
      String lengthSource,
      long sampled,
      Power power,
      RunState state) {
    double seconds =
        plan.predictions().policies().stream()
            .filter(p -> p.policy().equals(plan.policy()))
            .mapToDouble(PolicyPrediction::predictedSeconds)
            .sum();
    return new PlanSummary(
        plan.policy(),
        note(plan, sizing.engines()),
        counts.rows(),
        counts.errors(),
        counts.duplicates(),
        plan.requests(),
        plan.promptTokens(),
        plan.reusableTokens(),
        plan.expectedOutputTokens(),
        lengthSource,
        sampled,
        plan.treeNodes(),
        plan.partitions(),
        plan.level(),
        plan.sharing(),
        plan.densities(),
        plan.predictions().policies(),
        plan.predictions().note(),
        plan.predictions().schedules(),
        memory(config, sizing, weightBytes, plan.predictions().peakKvTokens()),
        rates.info(),
        cost(config, seconds, power),
        preview(plan, state));
  }

  /** The plan of no requests. */
  static PlanSummary empty(
      WeftConfig config, RowCounts counts, Sizing sizing, long weightBytes, DeviceRates rates) {
    return new PlanSummary(
        config.plan().policy(),
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
        new PlanLevel(1, "there is nothing to plan", 1),
        Sharing.NONE,
        Densities.NONE,
        List.of(),
        "",
        List.of(),
        memory(config, sizing, weightBytes, 0),
        rates.info(),
        cost(config, 0, Power.UNKNOWN),
        List.of());
  }

  private static String note(PlanOutline plan, int engines) {
    List<String> notes = new ArrayList<>(plan.notes());
    if (engines > 1) {
      notes.add("times are those of one engine; " + engines + " will share the work");
    }
    return String.join("; ", notes);
  }

  private static MemoryPlan memory(
      WeftConfig config, Sizing sizing, long weightBytes, long peakKvTokens) {
    return new MemoryPlan(
        weightBytes,
        sizing.kvBytes(),
        sizing.kvTokens(),
        peakKvTokens,
        (long) ((double) peakKvTokens * sizing.kvBytes() / sizing.kvTokens()),
        config.engine().maxSequences());
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

  private static List<PlannedGroup> preview(PlanOutline plan, RunState state) {
    List<PlannedGroup> groups = new ArrayList<>();
    Map<Long, String> ids = new HashMap<>();
    for (Row row :
        state
            .prepared()
            .where(col("row_key").isin(plan.previewKeys().toArray()))
            .select("row_key", "id")
            .collectAsList()) {
      ids.put(row.getLong(0), row.getString(1));
    }
    for (int i = 0; i < plan.preview().size(); i++) {
      PlannedGroup g = plan.preview().get(i);
      groups.add(
          new PlannedGroup(
              g.position(),
              g.requests(),
              g.sharedPrefixTokens(),
              g.density(),
              ids.get(plan.previewKeys().get(i))));
    }
    return groups;
  }
}
