package dev.weft.batching.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Orders all requests with a policy and cuts the order into partitions by predicted time. */
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
    long saved = tree.promptTokens() - tree.distinctTokens();
    int pieces = Math.clamp(options.partitions(), 1, Math.max(1, order.size()));
    double[] sizes = PieceSizes.of(pieces, options.slots());
    PlannedOrder shortTail = ShortTail.of(order, costs, sizes, options.slots(), saved);
    if (shortTail != order) {
      order = shortTail;
      costs = new OrderCosts(tree, cost, order);
    }
    int[] cuts = new PartitionCutter(order, costs).cut(sizes);
    progress.at("predict", 0.8);
    List<Partition> partitions = new ArrayList<>();
    long reusableAfterCut = 0;
    long savedAfterCut = 0;
    for (int i = 0; i + 1 < cuts.length; i++) {
      PlanningInterruptedException.check();
      Partition partition = costs.partition(cuts[i], cuts[i + 1]);
      partitions.add(partition);
      savedAfterCut += partition.promptTokens() - partition.computedPromptTokens();
      reusableAfterCut += costs.reusableTokens(cuts[i], cuts[i + 1], options.pageTokens());
    }
    double[] ends =
        PieceSizes.finishSeconds(
            partitions.stream().mapToDouble(Partition::totalSeconds).toArray(), options.slots());
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
              "cut into %d partitions of %.4g to %.4g s predicted%s; the cut loses %d of %d shared"
                  + " tokens",
              partitions.size(),
              partitions.stream().mapToDouble(Partition::totalSeconds).min().orElse(0),
              partitions.stream().mapToDouble(Partition::totalSeconds).max().orElse(0),
              partitions.size() > options.slots() ? ", the small ones last" : "",
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
            Arrays.stream(ends).max().orElse(0),
            PieceSizes.imbalance(ends),
            Math.min(options.kvBudgetTokens(), everything),
            notes);
    progress.at("done", 1);
    return plan;
  }
}
