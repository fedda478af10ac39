package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.xxhash64;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.jobs.infer.PlannedRows;
import dev.weft.jobs.plan.JobPlan;
import dev.weft.jobs.plan.PlanOutline;
import dev.weft.jobs.plan.PlannedWork;
import dev.weft.jobs.plan.PrefixText;
import dev.weft.jobs.plan.RangeSpec;
import dev.weft.jobs.plan.RangedTable;
import dev.weft.jobs.plan.RequestTable;
import dev.weft.jobs.plan.TimeError;
import dev.weft.jobs.plan.Totals;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Plans more requests than the driver holds: in ranges on the executors. The driver holds a sample
 * of the requests, of at most half the tokens that it may plan; borders of ranges and the requests
 * whose output lengths are measured come from it.
 */
final class TwoLevelPlanner implements RequestPlanner {
  private static final long SAMPLE_SEED = 1;

  /** Tokens of a range at most: 64 MiB of them, and as much again for its tree. */
  private static final long MOST_RANGE_TOKENS = 1 << 24;

  /** Requests of the sample for each range, so that ranges come out even. */
  private static final int SAMPLED_PER_RANGE = 64;

  /** Output lengths of the whole table that ranges without their own fall back on. */
  private static final int FALLBACK_LENGTHS = 4096;

  private final PlanStage.Context context;
  private final PlanLimits limits;
  private final Totals totals;
  private final String why;
  private final Supplier<PrefixText> text;
  private final int ranges;
  private final double sampleShare;
  private CostModel cost;
  private RequestTable sample;
  private Dataset<Row> doneRows;
  private Totals done;
  private double meanOutput;
  private RangedTable ranged;

  /**
   * @param driverTokens tokens that the driver may plan
   * @param why why there are two levels
   */
  TwoLevelPlanner(
      PlanStage.Context context,
      PlanLimits limits,
      CostModel cost,
      Totals totals,
      long driverTokens,
      String why,
      Supplier<PrefixText> text) {
    this.context = context;
    this.limits = limits;
    this.cost = cost;
    this.totals = totals;
    this.why = why;
    this.text = text;
    long rangeTokens = Math.clamp(driverTokens / 4, 1, MOST_RANGE_TOKENS);
    ranges = Math.clamp(Math.ceilDiv(totals.promptTokens(), rangeTokens), 1, 1 << 16);
    double wanted =
        Math.max(
            (double) SAMPLED_PER_RANGE * ranges,
            Math.max(
                2.0 * context.config().plan().sampleMinRequests(),
                2 * context.config().plan().sampleFraction() * totals.requests()));
    sampleShare =
        Math.min(
            wanted / totals.requests(), 0.5 * driverTokens / Math.max(1, totals.promptTokens()));
    readDone();
  }

  @Override
  public long doneRequests() {
    return done.requests();
  }

  @Override
  public long doneAnswers() {
    return done.answers();
  }

  @Override
  public long expectedOutputTokens() {
    return done.requests() == 0
        ? totals.maxOutputTokens()
        : (long) Math.min(totals.maxOutputTokens(), meanOutput * totals.requests());
  }

  @Override
  public void use(CostModel cost) {
    forgetRanges();
    this.cost = cost;
  }

  private void forgetRanges() {
    if (ranged != null) {
      ranged.close();
      ranged = null;
    }
  }

  @Override
  public void readDone() {
    forgetRanges();
    doneRows = context.state().doneRows();
    Dataset<Row> runnable = context.state().runnable();
    done = Totals.of(runnable.join(doneRows, new String[] {"row_key"}, "left_semi"));
    meanOutput = doneRows.agg(coalesce(avg("output_tokens"), lit(0.0))).first().getDouble(0);
  }

  @Override
  public Optional<PlannedWork> sample(int wanted) {
    RequestTable some = sample();
    Set<Long> known = doneInSample();
    PrefixTree tree = PrefixTree.build(some.requests());
    // The least number decides, not the fraction.
    int[] places =
        Arrays.stream(OutputLengthEstimator.sample(tree, Double.MIN_NORMAL, wanted, SAMPLE_SEED))
            .filter(p -> !known.contains(some.rowKeys()[p]))
            .sorted()
            .toArray();
    if (places.length == 0) {
      return Optional.empty();
    }
    RequestTable first = some.subset(places);
    JobPlan plan =
        JobPlan.of(
            first,
            PrefixTree.build(first.requests()),
            limits.policy(),
            cost,
            limits.of(limits.engines()),
            PlanProgress.NONE);
    return Optional.of(
        new PlannedWork(
            PlannedRows.assigned(context.spark(), plan.assignment()),
            plan.plan().partitions(),
            plan.partitionSeconds()));
  }

  private RequestTable sample() {
    if (sample == null) {
      sample =
          RequestTable.collect(context.state().runnable().where(RangedTable.sampled(sampleShare)));
    }
    return sample;
  }

  private Set<Long> doneInSample() {
    Set<Long> keys = new HashSet<>();
    doneRows
        .where(RangedTable.sampled(sampleShare))
        .select("row_key")
        .collectAsList()
        .forEach(row -> keys.add(row.getLong(0)));
    return keys;
  }

  @Override
  public PlanOutline outline(TimeError error, PlanProgress progress) {
    progress.at("sample", 0);
    PlanningInterruptedException.check();
    PlanOutline outline =
        ranged().outline(why, text.get(), limits.partitions(totals.requests()), error, progress);
    progress.at("done", 1);
    return outline;
  }

  @Override
  public Optional<PlannedWork> left() {
    long left = totals.requests() - done.requests();
    return left == 0 ? Optional.empty() : Optional.of(ranged().plan(cost, limits.partitions(left)));
  }

  private RangedTable ranged() {
    if (ranged == null) {
      int[] lengths =
          doneRows
              .orderBy(xxhash64(col("row_key")), col("row_key"))
              .limit(FALLBACK_LENGTHS)
              .collectAsList()
              .stream()
              .mapToInt(row -> (int) Math.min(Integer.MAX_VALUE, row.<Number>getAs(1).longValue()))
              .toArray();
      ranged =
          RangedTable.of(
              context.spark(),
              context.state().runnable(),
              doneRows,
              sample(),
              ranges,
              RangeSpec.of(limits.policy(), cost, limits.of(1), lengths));
    }
    return ranged;
  }
}
