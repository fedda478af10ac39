package dev.weft.batching.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Orders all requests with a policy and cuts the order into partitions of equal predicted time. */
public final class Planner {
  private final CostModel cost;
  private final PlanOptions options;

  public Planner(CostModel cost, PlanOptions options) {
    this.cost = cost;
    this.options = options;
  }

  public Plan plan(PrefixTree tree, SchedulingPolicy policy) {
    return plan(tree, policy, PlanProgress.NONE);
  }

  /**
   * Plans all requests of the tree. The same input gives the same plan.
   *
   * @throws PlanningInterruptedException if the thread is interrupted
   */
  public Plan plan(PrefixTree tree, SchedulingPolicy policy, PlanProgress progress) {
    PlanningInterruptedException.check();
    progress.at("order", 0);
    PlannedOrder order = policy.order(tree, cost, options.kvBudgetTokens());
    progress.at("cut", 0.6);
    OrderCosts costs = new OrderCosts(tree, cost, order);
    int[] cuts = new PartitionCutter(order, costs).cut(options.partitions());
    progress.at("predict", 0.8);
    List<Partition> partitions = new ArrayList<>();
    double makespan = 0;
    double sum = 0;
    long reusableAfterCut = 0;
    long savedAfterCut = 0;
    for (int i = 0; i + 1 < cuts.length; i++) {
      PlanningInterruptedException.check();
      Partition partition = costs.partition(cuts[i], cuts[i + 1]);
      partitions.add(partition);
      makespan = Math.max(makespan, partition.totalSeconds());
      sum += partition.totalSeconds();
      savedAfterCut += partition.promptTokens() - partition.computedPromptTokens();
      reusableAfterCut += costs.reusableTokens(cuts[i], cuts[i + 1], options.pageTokens());
    }
    long saved = tree.promptTokens() - tree.distinctTokens();
    double imbalance = sum > 0 ? makespan * partitions.size() / sum - 1 : 0;
    Partition whole = costs.partition(0, order.size());
    long everything = whole.computedPromptTokens() + whole.outputTokens();
    List<String> notes = new ArrayList<>(order.notes());
    if (everything <= options.kvBudgetTokens()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "all KV (%d tokens) fits into the budget of %d tokens: every order keeps every prefix",
              everything,
              options.kvBudgetTokens()));
    }
    if (partitions.size() > 1) {
      notes.add(
          String.format(
              Locale.ROOT,
              "cut into %d partitions of %.4g to %.4g s predicted; the cut loses %d of %d shared"
                  + " tokens",
              partitions.size(),
              partitions.stream().mapToDouble(Partition::totalSeconds).min().orElse(0),
              makespan,
              saved - savedAfterCut,
              saved));
    }
    Plan plan =
        new Plan(
            order,
            partitions,
            whole.promptTokens(),
            tree.distinctTokens(),
            options.pageTokens(),
            tree.reusableTokens(options.pageTokens()),
            reusableAfterCut,
            whole.computeSeconds(),
            whole.memorySeconds(),
            whole.totalSeconds(),
            makespan,
            imbalance,
            Math.min(options.kvBudgetTokens(), everything),
            notes);
    progress.at("done", 1);
    return plan;
  }
}
