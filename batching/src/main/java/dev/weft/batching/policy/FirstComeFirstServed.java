package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.List;

/** {@code fcfs}: the requests as they came. */
final class FirstComeFirstServed implements SchedulingPolicy {
  @Override
  public String name() {
    return "fcfs";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    int[] order = new int[tree.requests().size()];
    Arrays.setAll(order, i -> i);
    return PlannedOrder.oneSided(name(), order, List.of("requests run in the order of the input"));
  }
}
