package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;

/** {@code blend}. */
final class Blend implements SchedulingPolicy {
  @Override
  public String name() {
    return "blend";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    return new DepthFirst().order(tree, cost, kvBudgetTokens);
  }
}
