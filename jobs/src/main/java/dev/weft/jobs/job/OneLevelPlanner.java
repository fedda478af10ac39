package dev.weft.jobs.job;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.plan.OutputLengths;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.jobs.infer.PlannedRows;
import dev.weft.jobs.plan.Goals;
import dev.weft.jobs.plan.JobPlan;
import dev.weft.jobs.plan.OutputRange;
import dev.weft.jobs.plan.PlanOutline;
import dev.weft.jobs.plan.PlannedWork;
import dev.weft.jobs.plan.PrefixText;
import dev.weft.jobs.plan.RequestTable;
import dev.weft.jobs.plan.TimeError;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Plans all requests in one prefix tree on the driver. */
final class OneLevelPlanner implements RequestPlanner {
  private static final long SAMPLE_SEED = 1;

  private final PlanStage.Context context;
  private final PlanLimits limits;
  private final PlanLevel level;
  private final Supplier<PrefixText> text;
  private final RequestTable table;
  private CostModel cost;

  /** The configured one, or the one that the last predictions chose. */
  private String policy;

  private PrefixTree tree;
  private OutputLengths lengths;

  /** By place in the table, the tokens of all answers of a request that is done; else -1. */
  private int[] doneTokens;

  private int doneRequests;

  OneLevelPlanner(
      PlanStage.Context context,
      PlanLimits limits,
      CostModel cost,
      PlanLevel level,
      Supplier<PrefixText> text) {
    this.context = context;
    this.limits = limits;
    this.cost = cost;
    this.level = level;
    policy = limits.policy();
    this.text = text;
    table = RequestTable.collect(context.state().runnable());
    tree = PrefixTree.build(table.requests());
    readDone();
  }

  @Override
  public long doneRequests() {
    return doneRequests;
  }

  @Override
  public long doneAnswers() {
    long sum = 0;
    for (int place = 0; place < doneTokens.length; place++) {
      sum += doneTokens[place] < 0 ? 0 : table.answers()[place];
    }
    return sum;
  }

  @Override
  public long expectedOutputTokens() {
    long sum = 0;
    for (int i = 0; i < table.size(); i++) {
      sum += tree.requests().estimatedOutputTokens(i);
    }
    return sum;
  }

  @Override
  public void use(CostModel cost) {
    this.cost = cost;
  }

  @Override
  public void readDone() {
    doneTokens = context.state().doneTokens(table.rowKeys());
    doneRequests = (int) Arrays.stream(doneTokens).filter(tokens -> tokens >= 0).count();
    if (doneRequests > 0) {
      lengths = OutputLengthEstimator.estimate(tree, doneTokens);
      tree = lengths.tree();
    }
  }

  @Override
  public Optional<PlannedWork> sample(int wanted) {
    // The least number decides, not the fraction.
    int[] sample = OutputLengthEstimator.sample(tree, Double.MIN_NORMAL, wanted, SAMPLE_SEED);
    int[] places = withoutDone(sample);
    return work(table.subset(places), limits.engines());
  }

  @Override
  public PlanOutline outline(TimeError error, PlanProgress progress) {
    PlanOutline outline = outlineOf(policy, error, progress);
    if (!limits.isAuto()) {
      return outline;
    }
    List<PolicyPrediction> predictions = outline.predictions().policies();
    policy = Goals.best(cost.objective(), predictions);
    if (!policy.equals(outline.policy())) {
      outline = outlineOf(policy, error, progress);
    }
    return outline.withNote(Goals.reason(cost.objective(), predictions, policy));
  }

  private PlanOutline outlineOf(String policy, TimeError error, PlanProgress progress) {
    OutputRange range =
        lengths == null
            ? OutputRange.unknown(tree.requests())
            : OutputRange.sampled(tree.requests(), lengths);
    JobPlan plan =
        JobPlan.of(
            table,
            tree,
            policy,
            cost,
            limits.of(limits.partitions(table.size())),
            (what, done) -> progress.at(what, 0.4 * done));
    return plan.outline(
        level, text.get(), range, error, (what, done) -> progress.at(what, 0.4 + 0.6 * done));
  }

  @Override
  public Optional<PlannedWork> left() {
    int[] all = new int[table.size()];
    Arrays.setAll(all, i -> i);
    int[] places = withoutDone(all);
    RequestTable estimated =
        new RequestTable(table.rowKeys(), table.answers(), table.maxTokens(), tree.requests());
    return work(estimated.subset(places), limits.partitions(places.length));
  }

  private Optional<PlannedWork> work(RequestTable requests, int partitions) {
    if (requests.size() == 0) {
      return Optional.empty();
    }
    JobPlan plan =
        JobPlan.of(
            requests,
            PrefixTree.build(requests.requests()),
            policy,
            cost,
            limits.of(partitions),
            PlanProgress.NONE);
    return Optional.of(
        new PlannedWork(
            PlannedRows.assigned(context.spark(), plan.assignment()),
            plan.plan().partitions(),
            plan.partitionSeconds()));
  }

  /** The places that are not done, in ascending order. */
  private int[] withoutDone(int[] places) {
    return Arrays.stream(places).filter(p -> doneTokens[p] < 0).sorted().toArray();
  }
}
