package dev.weft.jobs.plan;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.xxhash64;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.jobs.infer.PlannedRows;
import dev.weft.jobs.plan.RangePlan.Place;
import dev.weft.jobs.plan.RangePlan.Slice;
import dev.weft.jobs.prepare.PreparedSchema;
import dev.weft.jobs.run.PlanSummary.Densities;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.PlanSummary.Sharing;
import dev.weft.jobs.run.PlanSummary.SharingLevel;
import dev.weft.jobs.run.PlanSummary.TopPrefix;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.storage.StorageLevel;

/**
 * Requests that are planned in two levels: a prefix tree for each range of prompts on the
 * executors, and one cut over the slices of all ranges on the driver. Tokens and row keys stay on
 * the executors; what the driver holds grows with the number of ranges.
 */
public final class RangedTable implements AutoCloseable {
  /** Ranges of which all policies are simulated. */
  private static final int PREDICTED_RANGES = 4;

  /** Slices of a partition, about, so that partitions come out equal. */
  private static final int SLICES_PER_PARTITION = 64;

  private static final int LEAST_SLICES = 8;
  private static final int MOST_SLICES = 4096;
  private static final int TOP_PREFIXES = 8;

  private final SparkSession spark;
  private final RangeSpec spec;
  private final JavaRDD<Row> rows;
  private final int ranges;
  private JavaRDD<RangePlan> plans;

  private RangedTable(SparkSession spark, RangeSpec spec, JavaRDD<Row> rows, int ranges) {
    this.spark = spark;
    this.spec = spec;
    this.rows = rows;
    this.ranges = ranges;
  }

  /**
   * Whether a row is in a sample that depends on row keys alone.
   *
   * @param share part of the rows, 0 to 1
   */
  public static Column sampled(double share) {
    // Without its sign the hash is uniform over all longs from 0 on.
    Column hash = xxhash64(col(PreparedSchema.ROW_KEY)).bitwiseAND(Long.MAX_VALUE);
    return share >= 1 ? lit(true) : hash.lt((long) (Math.max(0, share) * 0x1p63));
  }

  /**
   * Distributes requests over ranges.
   *
   * @param runnable rows of {@link PreparedSchema} without errors
   * @param done {@code row_key, output_tokens} of those that need not run
   * @param sample some of the requests, from which the borders of ranges come
   * @param ranges wanted ranges
   */
  public static RangedTable of(
      SparkSession spark,
      Dataset<Row> runnable,
      Dataset<Row> done,
      RequestTable sample,
      int ranges,
      RangeSpec spec) {
    RangeBounds bounds = RangeBounds.of(sample, ranges, !spec.policy().equals("fcfs"));
    Broadcast<RangeBounds> shared =
        JavaSparkContext.fromSparkContext(spark.sparkContext()).broadcast(bounds);
    UDF2<byte[], Long, Integer> rangeOf =
        (tokens, key) -> shared.value().rangeOf(PreparedSchema.decodeTokens(tokens), key);
    JavaRDD<Row> rows =
        runnable
            .select(
                col(PreparedSchema.ROW_KEY),
                col(PreparedSchema.TOKENS),
                col(PreparedSchema.PARAMS).getField("max_tokens").as("max_tokens"),
                col(PreparedSchema.PARAMS).getField("n").as("n"))
            .join(
                done.select(
                    col("row_key").as("done_key"),
                    col("output_tokens").cast("bigint").as("output_tokens")),
                col(PreparedSchema.ROW_KEY).equalTo(col("done_key")),
                "left")
            .drop("done_key")
            .withColumn(
                "range",
                udf(rangeOf, DataTypes.IntegerType)
                    .apply(col(PreparedSchema.TOKENS), col(PreparedSchema.ROW_KEY)))
            .repartitionById(bounds.ranges(), col("range"))
            .toJavaRDD();
    return new RangedTable(spark, spec, rows, bounds.ranges());
  }

  /** Number of ranges. */
  public int ranges() {
    return ranges;
  }

  /**
   * What the plan says of all requests.
   *
   * @param why why there are two levels
   * @param partitions partitions that the requests are cut into
   * @param error real over predicted time of what ran already, NaN if nothing did
   * @throws dev.weft.batching.request.PlanningInterruptedException if the thread is interrupted
   */
  public PlanOutline outline(
      String why, PrefixText text, int partitions, TimeError error, PlanProgress progress) {
    List<RangeSummary> summaries = summaries(PREDICTED_RANGES, error, progress);
    long prompt = summaries.stream().mapToLong(RangeSummary::promptTokens).sum();
    long output = summaries.stream().mapToLong(RangeSummary::outputTokens).sum();
    DensityCounts densities = new DensityCounts();
    summaries.forEach(s -> densities.addAll(s.densities()));
    List<String> notes = new ArrayList<>();
    notes.add(
        String.format(
            Locale.ROOT,
            "planned in %d ranges of prompts: each keeps its sharing, a prefix that lies in several"
                + " is computed in each",
            ranges));
    // The remarks on a part rest on the density of the whole alone: no request is needed for them.
    notes.addAll(
        SchedulingPolicies.named(spec.policy())
            .orderPart(
                PrefixTree.build(RequestSet.builder().build()),
                spec.cost(),
                spec.limits().kvTokens(),
                density(summaries))
            .notes());
    if (!List.of("blend", "dfs", "fcfs").contains(spec.policy())) {
      notes.add(spec.policy() + " orders the requests of each range by itself");
    }
    return new PlanOutline(
        spec.policy(),
        notes,
        summaries.stream().mapToLong(RangeSummary::requests).sum(),
        prompt,
        summaries.stream().mapToLong(RangeSummary::reusableTokens).sum(),
        output,
        summaries.stream().mapToLong(RangeSummary::nodes).sum(),
        partitions,
        new PlanLevel(2, why, ranges),
        sharing(summaries, text),
        new Densities(
            density(summaries),
            Double.NaN,
            Double.NaN,
            0,
            0,
            densities.quantiles(0.05, 0.25, 0.5, 0.75, 0.95)),
        predictions(summaries, prompt + output),
        List.of(),
        List.of());
  }

  private List<RangeSummary> summaries(int predicted, TimeError error, PlanProgress progress) {
    RangeSpec how = spec;
    int every = Math.max(1, ranges / Math.max(1, predicted));
    return RangeJob.collect(
        rows.mapPartitionsWithIndex(
            (range, requests) ->
                List.of(
                        RangeSummary.of(
                            RangeRequests.of(requests, how),
                            how,
                            predicted > 0 && range % every == every / 2,
                            error))
                    .iterator(),
            false),
        "ranges",
        0.1,
        1,
        progress);
  }

  private static double density(List<RangeSummary> summaries) {
    return summaries.stream().mapToDouble(RangeSummary::computeSeconds).sum()
        / summaries.stream().mapToDouble(RangeSummary::memorySeconds).sum();
  }

  private Predictions predictions(List<RangeSummary> summaries, long tokens) {
    List<RangeSummary> predicted =
        summaries.stream().filter(s -> !s.predictedJson().isEmpty()).toList();
    long seen = predicted.stream().mapToLong(s -> s.promptTokens() + s.outputTokens()).sum();
    if (seen == 0) {
      return new Predictions(List.of(), List.of(), 0, "no range was simulated");
    }
    return Predictions.of(
        predicted.stream().map(RangeSummary::predictedJson).toList(),
        (double) tokens / seen,
        String.format(
            Locale.ROOT,
            "each policy within %d of %d ranges, scaled by tokens; the picture is that of one range",
            predicted.size(),
            ranges));
  }

  private static Sharing sharing(List<RangeSummary> summaries, PrefixText text) {
    Map<List<Long>, long[]> levels = new LinkedHashMap<>();
    Map<List<Integer>, RangeSummary.Prefix> prefixes = new LinkedHashMap<>();
    for (RangeSummary summary : summaries) {
      for (long[] level : summary.levels()) {
        long[] sum = levels.computeIfAbsent(List.of(level[0], level[1]), k -> new long[2]);
        sum[0] += level[2];
        sum[1] += level[3];
      }
      for (RangeSummary.Prefix p : summary.prefixes()) {
        // The same prefix in two ranges is one prefix.
        List<Integer> key = new ArrayList<>();
        key.add(p.prefixTokens());
        for (int token : p.begin()) {
          key.add(token);
        }
        prefixes.merge(
            key,
            p,
            (a, b) ->
                new RangeSummary.Prefix(
                    a.prefixTokens(),
                    Math.max(a.ownTokens(), b.ownTokens()),
                    a.requests() + b.requests(),
                    a.savedTokens() + b.savedTokens(),
                    a.begin()));
      }
    }
    return new Sharing(
        summaries.stream().mapToLong(RangeSummary::distinctTokens).sum(),
        levels.entrySet().stream()
            .sorted(Comparator.comparingLong(e -> e.getKey().getFirst()))
            .map(
                e ->
                    new SharingLevel(
                        (int) (long) e.getKey().get(0),
                        (int) (long) e.getKey().get(1),
                        e.getValue()[0],
                        e.getValue()[1]))
            .toList(),
        prefixes.values().stream()
            .sorted(Comparator.comparingLong(RangeSummary.Prefix::savedTokens).reversed())
            .limit(TOP_PREFIXES)
            .map(
                p ->
                    new TopPrefix(
                        p.prefixTokens(),
                        p.ownTokens(),
                        p.requests(),
                        p.savedTokens(),
                        text.of(p.begin())))
            .toList());
  }

  /**
   * Plans the requests that are not done and cuts them. The assignment stays on the executors.
   *
   * @param wanted partitions
   */
  public PlannedWork plan(CostModel cost, int wanted) {
    close();
    double density =
        spec.policy().equals("blend")
            ? density(summaries(0, new TimeError(Double.NaN, 0), PlanProgress.NONE))
            : 0;
    int slices =
        Math.clamp((long) SLICES_PER_PARTITION * wanted / ranges, LEAST_SLICES, MOST_SLICES);
    RangeSpec how = spec;
    plans =
        rows.mapPartitions(
                requests ->
                    List.of(
                            RangePlan.of(
                                RangeRequests.of(requests, how).left(), how, density, slices))
                        .iterator())
            .persist(StorageLevel.DISK_ONLY());
    List<List<Slice>> cut =
        RangeJob.collect(plans.map(RangePlan::slices), "order", 0, 1, PlanProgress.NONE);
    RangeCut pieces = RangeCut.of(cut, cost, wanted, spec.limits().slots());
    Broadcast<ArrayList<List<Place>>> places =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .broadcast(new ArrayList<>(pieces.places()));
    JavaRDD<Row> assigned =
        plans.mapPartitionsWithIndex(
            (range, plan) -> plan.next().rows(places.value().get(range)), false);
    List<Partition> partitions = pieces.partitions();
    return new PlannedWork(
        spark.createDataFrame(assigned, PlannedRows.ASSIGNMENT_TYPE),
        partitions,
        partitions.stream().map(Partition::totalSeconds).toList());
  }

  /** Forgets the plan that {@link #plan} keeps on the executors' disks. */
  @Override
  public void close() {
    if (plans != null) {
      plans.unpersist();
      plans = null;
    }
  }
}
