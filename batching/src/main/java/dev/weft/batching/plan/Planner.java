package dev.weft.batching.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.List;

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
    for (int i = 0; i + 1 < cuts.length; i++) {
      PlanningInterruptedException.check();
      Partition partition = costs.partition(cuts[i], cuts[i + 1]);
      partitions.add(partition);
      makespan = Math.max(makespan, partition.totalSeconds());
      sum += partition.totalSeconds();
      reusableAfterCut += costs.reusableTokens(cuts[i], cuts[i + 1], options.pageTokens());
    }
    double imbalance = sum > 0 ? makespan * partitions.size() / sum - 1 : 0;
    Partition whole = costs.partition(0, order.size());
    long everything = whole.computedPromptTokens() + whole.outputTokens();
    List<String> notes = new ArrayList<>(order.notes());
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
