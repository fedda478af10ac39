package dev.weft.jobs.job;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.job.PlanSummaries.Power;
import dev.weft.jobs.plan.DeviceRates;
import dev.weft.jobs.plan.JobPlan;
import dev.weft.jobs.plan.RequestTable;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.Stage;
import java.util.Arrays;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Plans the requests of a run, and runs them as planned. */
final class PlanStage {
  private final Context context;
  private final WeftConfig config;
  private final RunState state;
  private final CostModel cost;
  private final RequestTable table;
  private final Sizing sizing;
  private PrefixTree tree;
  private RunState.Done done;
  private Known known;

  /**
   * What a run knows before it plans.
   *
   * @param counts input rows by kind
   * @param rates measured rates of the device
   */
  record Context(
      SparkSession spark,
      WeftConfig config,
      JobSetup setup,
      RunFolder folder,
      RunState state,
      RowCounts counts,
      DeviceRates rates,
      StageClock clock) {}

  /** Requests whose output lengths are known, by their place in the table. */
  private record Known(int[] places, int[] outputTokens) {}

  /** Brings the requests to the driver, and what the ledger knows of them. */
  PlanStage(Context context) {
    this.context = context;
    config = context.config();
    state = context.state();
    cost = new CostModel(context.setup().model().shape(), context.rates().profile());
    table = RequestTable.collect(state.runnable());
    tree = PrefixTree.build(table.requests());
    long output = 0;
    for (int i = 0; i < table.size(); i++) {
      output += table.requests().maxOutputTokens(i);
    }
    sizing =
        Sizing.of(context.spark(), config, context.setup().model(), tree.promptTokens() + output);
    readDone();
  }

  /** Requests of which every answer is in the ledger. */
  long done() {
    return done.size();
  }

  /** The plan of all requests with what is known now. */
  PlanSummary plan() {
    int sampled = known.places.length;
    return planSummary(sampled > 0 ? "ledger" : "max_tokens", sampled, Power.UNKNOWN);
  }

  /** What the ledger holds is done, and tells output lengths. */
  private void readDone() {
    done = state.done();
    int[] places = new int[done.size()];
    Arrays.setAll(places, i -> Arrays.binarySearch(table.rowKeys(), done.rowKeys()[i]));
    known = new Known(places, done.outputTokens());
    if (places.length > 0) {
      tree =
          tree.withEstimatedOutputTokens(
              OutputLengthEstimator.estimate(tree, places, known.outputTokens).means());
    }
  }

  /** Runs the sample, plans what is left, and runs that. */
  PlanSummary inferAll(InferStage infer) {
    long total = Sizing.sum(table.answers());
    long resumedResults = results(known.places);
    String lengths = known.places.length > 0 ? "ledger" : "max_tokens";
    int sampled = known.places.length;
    EngineSpec engine =
        sizing.engine(config, context.setup(), stepMetricsEvery()).withCostModel(cost);
    Dataset<Row> prepared = state.prepared();
    double fraction = config.plan().sampleFraction();
    int wanted =
        Math.max(config.plan().sampleMinRequests(), (int) Math.ceil(fraction * table.size()));
    if (fraction > 0 && sampled < wanted && table.size() >= 2 * wanted) {
      int[] places = without(OutputLengthEstimator.sample(tree, fraction, wanted, 1), known.places);
      if (places.length > 0) {
        context
            .clock()
            .run(
                Stage.SAMPLE,
                () -> {
                  JobPlan first = planOf(table.subset(places), sizing.engines());
                  infer.run(
                      prepared,
                      first.assignment(),
                      first.plan().partitions().size(),
                      engine,
                      resumedResults,
                      total);
                  readDone();
                });
        lengths = sampled > 0 ? "ledger" : "sample";
        sampled = known.places.length;
      }
    }
    String source = lengths;
    int sample = sampled;
    PlanSummary summary =
        context.clock().time(Stage.PLAN, () -> planSummary(source, sample, infer.power()));
    context.folder().write(context.folder().plan(), summary);
    int[] left = without(allPlaces(), known.places);
    if (left.length > 0) {
      context
          .clock()
          .run(
              Stage.INFER,
              () -> {
                JobPlan plan = planOf(subset(left), partitions(left.length));
                infer.run(
                    prepared,
                    plan.assignment(),
                    plan.plan().partitions().size(),
                    engine,
                    results(known.places),
                    total);
                infer.predicted(plan.plan().partitions());
              });
    }
    state.keepOutcomes();
    if (left.length > 0) {
      readDone();
    }
    if (done.size() < table.size()) {
      throw new WeftException(
          ErrorCode.INTERNAL,
          "%d of %d requests have no result in the ledger"
              .formatted(table.size() - done.size(), table.size()));
    }
    return summary;
  }

  private PlanSummary planSummary(String lengthSource, int sampled, Power power) {
    long weightBytes = context.setup().model().weightBytes();
    if (table.size() == 0) {
      return PlanSummaries.empty(config, context.counts(), sizing, weightBytes, context.rates());
    }
    return PlanSummaries.of(
        config,
        context.counts(),
        planOf(table, tree),
        sizing,
        weightBytes,
        context.rates(),
        lengthSource,
        sampled,
        power,
        state);
  }

  private JobPlan planOf(RequestTable requests, PrefixTree prefixes) {
    return JobPlan.of(requests, prefixes, policy(), cost, limits(partitions(requests.size())));
  }

  private JobPlan planOf(RequestTable requests, int partitions) {
    PrefixTree prefixes = PrefixTree.build(requests.requests());
    return JobPlan.of(requests, prefixes, policy(), cost, limits(partitions));
  }

  /** Requests that are left, with the output lengths that are expected of them. */
  private RequestTable subset(int[] places) {
    return new RequestTable(table.rowKeys(), table.answers(), table.maxTokens(), tree.requests())
        .subset(places);
  }

  private JobPlan.Limits limits(int partitions) {
    return new JobPlan.Limits(
        partitions,
        sizing.kvTokens(),
        config.engine().pageTokens(),
        config.engine().budgetTokens(),
        config.engine().maxSequences());
  }

  /** A few partitions for each engine, so that none waits long for the last one. */
  private int partitions(int requests) {
    if (config.plan().partitions() > 0) {
      return config.plan().partitions();
    }
    int each = sizing.engines() == 1 ? 1 : 4;
    return Math.clamp(requests / 16, 1, sizing.engines() * each);
  }

  private String policy() {
    return config.plan().policy().name().toLowerCase(Locale.ROOT);
  }

  /** All steps of a small run, at most some ten thousand of a large one. */
  int stepMetricsEvery() {
    if (config.metrics().stepSampling() > 0) {
      return config.metrics().stepSampling();
    }
    long output = 0;
    for (int i = 0; i < table.size(); i++) {
      output += tree.requests().estimatedOutputTokens(i);
    }
    long steps =
        tree.promptTokens() / config.engine().budgetTokens()
            + output / Math.min(config.engine().maxSequences(), Math.max(1, table.size()));
    return (int) Math.max(1, steps / 20_000);
  }

  private long results(int[] places) {
    long sum = 0;
    for (int place : places) {
      sum += table.answers()[place];
    }
    return sum;
  }

  private int[] allPlaces() {
    int[] all = new int[table.size()];
    Arrays.setAll(all, i -> i);
    return all;
  }

  /** The places that are not among {@code others}, in ascending order. */
  private int[] without(int[] places, int[] others) {
    boolean[] taken = new boolean[table.size()];
    for (int other : others) {
      taken[other] = true;
    }
    return Arrays.stream(places).filter(p -> !taken[p]).sorted().toArray();
  }
}
