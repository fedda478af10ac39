package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;
import java.util.List;

/**
 * {@code ggr}: the row grouping of greedy group recursion (arXiv 2403.05821) for prompts that are
 * rendered already.
 *
 * <p>The paper's algorithm takes the value with the highest hit count (square of its length, times
 * the rows that have it less one), puts the rows that have it together with that value first, and
 * goes on within the group and with the other rows. Which field comes first is part of its choice;
 * in a rendered prompt it is fixed, since other fields first would be another prompt and another
 * answer. What is left: the edges of the prefix tree are the values, and among siblings the one
 * with the highest hit count, in tokens, comes first. So the order is depth first, with the sharing
 * of {@code dfs}. Prompts that are still to be rendered are for {@link
 * dev.weft.batching.table.GreedyGroupRecursion}, which also chooses the order of the fields.
 */
final class GreedyGroups implements SchedulingPolicy {
  @Override
  public String name() {
    return "ggr";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    long[] rank = new long[tree.nodes()];
    for (int node = 1; node < rank.length; node++) {
      double span = tree.spanTokens(node);
      // Saturates instead of overflowing.
      rank[node] = -(long) (span * span * (tree.requestCount(node) - 1));
    }
    return PlannedOrder.oneSided(
        name(),
        TreeOrder.depthFirst(tree, rank),
        List.of(
            "groups with the highest prefix hit count run first; the fields of the prompts stay in"
                + " the order in which they were rendered"));
  }
}
