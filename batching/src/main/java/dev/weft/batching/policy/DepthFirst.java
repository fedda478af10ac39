package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;
import java.util.List;

/** {@code dfs}: depth first through the prefix tree, so neighbours share the longest prefixes. */
final class DepthFirst implements SchedulingPolicy {
  @Override
  public String name() {
    return "dfs";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    return PlannedOrder.oneSided(
        name(),
        tree.sortedRequests(),
        List.of("requests run depth first through the prefix tree: every shared prefix once"));
  }
}
