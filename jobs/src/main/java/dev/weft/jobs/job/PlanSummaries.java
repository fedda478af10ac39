package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.col;

import dev.weft.batching.cost.PowerModel;
import dev.weft.batching.cost.Prices;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.plan.DeviceRates;
import dev.weft.jobs.plan.Goals;
import dev.weft.jobs.plan.PlanOutline;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.CostEstimate;
import dev.weft.jobs.run.PlanSummary.Densities;
import dev.weft.jobs.run.PlanSummary.MemoryPlan;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.PlanSummary.PlannedGroup;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.Range;
import dev.weft.jobs.run.PlanSummary.Sharing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;

/** Puts a plan into words and numbers for people. */
final class PlanSummaries {
  private PlanSummaries() {}

  static PlanSummary of(
      WeftConfig config,
      RowCounts counts,
      PlanOutline plan,
      Sizing sizing,
      long weightBytes,
      DeviceRates rates,
      String lengthSource,
      long sampled,
      RunState state) {
    List<PolicyPrediction> predictions =
        plan.predictions().policies().stream().map(p -> priced(config, p)).toList();
    return new PlanSummary(
        plan.policy(),
        Goals.info(rates.profile(), config),
        note(plan, config, sizing.engines()),
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
        predictions,
        plan.predictions().note(),
        plan.predictions().schedules(),
        memory(config, sizing, weightBytes, plan.predictions().peakKvTokens()),
        rates.info(),
        cost(config, predictions, plan.policy(), rates.profile().power()),
        preview(plan, state));
  }

  /** The plan of no requests. */
  static PlanSummary empty(
      WeftConfig config, RowCounts counts, Sizing sizing, long weightBytes, DeviceRates rates) {
    return new PlanSummary(
        config.plan().policy(),
        Goals.info(rates.profile(), config),
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
        cost(config, List.of(), "", rates.profile().power()),
        List.of());
  }

  private static String note(PlanOutline plan, WeftConfig config, int engines) {
    List<String> notes = new ArrayList<>(plan.notes());
    if (plan.level().levels() > 1 && config.plan().policy().equals(WeftConfig.Plan.AUTO_POLICY)) {
      notes.addFirst("plan.policy is auto: on two levels that is " + Goals.FIRST_POLICY);
    }
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

  /** What the chosen policy costs; nothing if there is none. */
  private static CostEstimate cost(
      WeftConfig config, List<PolicyPrediction> predictions, String policy, PowerModel power) {
    PolicyPrediction chosen =
        predictions.stream().filter(p -> p.policy().equals(policy)).findFirst().orElse(null);
    return new CostEstimate(
        chosen == null ? Double.NaN : chosen.energyJoules().predicted(),
        power.known() ? power.source() : "unknown until something has run",
        chosen == null ? Double.NaN : chosen.money().predicted(),
        config.cost().currency());
  }

  private static PolicyPrediction priced(WeftConfig config, PolicyPrediction p) {
    Prices prices = config.cost().prices();
    return p.withMoney(
        new Range(
            prices.money(p.predictedSeconds(), p.energyJoules().predicted()),
            prices.money(p.lowSeconds(), p.energyJoules().low()),
            prices.money(p.highSeconds(), p.energyJoules().high())));
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
