package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.Plan;
import dev.weft.batching.plan.PlanOptions;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.plan.Planner;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.simulate.Simulator;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.jobs.infer.PlannedRows;
import dev.weft.jobs.infer.PlannedRows.Assignment;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.PlanSummary.PlannedGroup;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The plan of a table of requests, and what its parts are for the job. */
public final class JobPlan {
  private static final int PREVIEW_GROUPS = 12;

  /** Tokens of the partitions that are simulated at most. */
  private static final long SIMULATED_TOKENS = 8_000_000;

  private final RequestTable table;
  private final PrefixTree tree;
  private final Plan plan;
  private final Limits limits;
  private final CostModel cost;

  /**
   * What an engine holds.
   *
   * @param partitions wanted pieces
   * @param slots pieces that run at the same time
   * @param kvTokens tokens of its KV cache
   * @param pageTokens tokens of a page
   * @param budgetTokens tokens of a step
   * @param maxSequences sequences at the same time
   */
  public record Limits(
      int partitions, int slots, long kvTokens, int pageTokens, int budgetTokens, int maxSequences)
      implements Serializable {}

  private JobPlan(RequestTable table, PrefixTree tree, Plan plan, Limits limits, CostModel cost) {
    this.table = table;
    this.tree = tree;
    this.plan = plan;
    this.limits = limits;
    this.cost = cost;
  }

  /** Plans requests whose output lengths are known or estimated; the table must not be empty. */
  public static JobPlan of(
      RequestTable table,
      PrefixTree tree,
      String policy,
      CostModel cost,
      Limits limits,
      PlanProgress progress) {
    PlanOptions options =
        new PlanOptions(
            limits.partitions(), limits.slots(), limits.kvTokens(), limits.pageTokens());
    Plan plan = new Planner(cost, options).plan(tree, SchedulingPolicies.named(policy), progress);
    return new JobPlan(table, tree, plan, limits, cost);
  }

  /** The planner's own plan. */
  public Plan plan() {
    return plan;
  }

  /** Where each request runs, in planned order. */
  public Assignment assignment() {
    PlannedOrder order = plan.order();
    int size = order.size();
    long[] keys = new long[size];
    int[] partitions = new int[size];
    boolean[] memorySide = new boolean[size];
    int[] estimates = new int[size];
    int[][] lengths = new int[size][];
    Map<OutputDistribution, int[]> points = new IdentityHashMap<>();
    List<Partition> pieces = plan.partitions();
    for (int p = 0; p < pieces.size(); p++) {
      for (int i = pieces.get(p).from(); i < pieces.get(p).to(); i++) {
        int request = order.request(i);
        keys[i] = table.rowKeys()[request];
        partitions[i] = p;
        memorySide[i] = order.side(i) == Side.MEMORY;
        estimates[i] = tree.requests().estimatedOutputTokens(request) / table.answers()[request];
        OutputDistribution distribution = tree.requests().outputDistribution(request);
        // That of several answers is of their sum.
        lengths[i] =
            distribution == null || table.answers()[request] > 1
                ? PlannedRows.NO_LENGTHS
                : points.computeIfAbsent(distribution, OutputDistribution::points);
      }
    }
    return new Assignment(keys, partitions, memorySide, estimates, lengths);
  }

  /**
   * Predicted seconds of each partition on an engine with an empty cache: simulated step by step,
   * or summed up over the requests where that would take too long.
   */
  public List<Double> partitionSeconds() {
    if (tree.promptTokens() + expectedOutputTokens() > SIMULATED_TOKENS) {
      return plan.partitions().stream().map(Partition::totalSeconds).toList();
    }
    int[] outputs = new int[table.size()];
    Arrays.setAll(outputs, tree.requests()::estimatedOutputTokens);
    Simulator simulator = simulator();
    return plan.partitions().stream()
        .map(p -> simulator.run(tree.requests(), plan.order(), p, outputs).seconds())
        .toList();
  }

  /** Expected output tokens of all requests. */
  long expectedOutputTokens() {
    long sum = 0;
    for (int i = 0; i < table.size(); i++) {
      sum += tree.requests().estimatedOutputTokens(i);
    }
    return sum;
  }

  /**
   * What the plan says about the table.
   *
   * @param level where it was made
   * @param text shows prefixes
   * @param outputs range of the output lengths
   * @param error of predicted times
   */
  public PlanOutline outline(
      PlanLevel level,
      PrefixText text,
      OutputRange outputs,
      TimeError error,
      PlanProgress progress) {
    Predictions predictions = Predictions.of(this, outputs, error, progress);
    List<PlannedGroup> groups = preview();
    return new PlanOutline(
        plan.policy(),
        plan.notes(),
        table.size(),
        plan.promptTokens(),
        plan.reusableTokens(),
        expectedOutputTokens(),
        tree.nodes(),
        plan.partitions().size(),
        level,
        PlanFacts.sharing(tree, text),
        PlanFacts.densities(tree, plan.order(), cost),
        predictions,
        groups,
        groups.stream()
            .map(g -> table.rowKeys()[plan.order().request((int) g.position())])
            .toList());
  }

  PrefixTree tree() {
    return tree;
  }

  CostModel cost() {
    return cost;
  }

  Limits limits() {
    return limits;
  }

  /** One engine within the limits, with an empty cache. */
  Simulator simulator() {
    return new Simulator(
        cost,
        new StepLimits(limits.budgetTokens(), limits.maxSequences()),
        Math.clamp(limits.kvTokens() / limits.pageTokens(), 1, Integer.MAX_VALUE),
        limits.pageTokens());
  }

  /**
   * The first groups of the order: neighbours that have at least half of the shorter prompt in
   * common. Ids are left empty.
   */
  private List<PlannedGroup> preview() {
    List<PlannedGroup> groups = new ArrayList<>();
    RequestSet requests = tree.requests();
    PlannedOrder order = plan.order();
    int from = 0;
    while (from < order.size() && groups.size() < PREVIEW_GROUPS) {
      int shared = requests.promptTokens(order.request(from));
      int to = from + 1;
      while (to < order.size()) {
        int a = order.request(to - 1);
        int b = order.request(to);
        int common = requests.commonPrefix(a, b, 0);
        if (2L * common < Math.min(requests.promptTokens(a), requests.promptTokens(b))) {
          break;
        }
        shared = Math.min(shared, common);
        to++;
      }
      groups.add(
          new PlannedGroup(from, to - from, to - from > 1 ? shared : 0, density(from, to), ""));
      from = to;
    }
    return groups;
  }

  private double density(int from, int to) {
    RequestSet requests = tree.requests();
    double compute = 0;
    double memory = 0;
    for (int i = from; i < to; i++) {
      int r = plan.order().request(i);
      int output = requests.estimatedOutputTokens(r);
      compute += cost.computeSeconds(requests.promptTokens(r), 0, output);
      memory +=
          cost.memorySeconds(requests.promptTokens(r), output, requests.meanSquareOutputTokens(r));
    }
    return memory == 0 ? Double.POSITIVE_INFINITY : compute / memory;
  }
}
