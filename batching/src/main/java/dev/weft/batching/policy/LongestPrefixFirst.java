package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.List;

/**
 * {@code longest-prefix-first}: always next the request that has the longest prefix in common with
 * any request ordered before; among equals the subtree whose earliest request came first, and in it
 * a prompt before its extensions.
 *
 * <p>Source: the cache-aware schedule of SGLang (arXiv 2312.07104), which takes the waiting request
 * with the longest prefix in the cache, first come first served among equals. Here all requests
 * wait from the start and the cache is taken to be unlimited. Then the greedy choice never leaves a
 * subtree before its last request: the deepest place where the ordered part of the tree still has
 * unordered requests is always on the path of the request ordered last. So the order is depth first
 * and found in O(n log n), with the same sharing as {@code dfs}; only siblings differ: {@code dfs}
 * takes them by token id, this policy as they arrived, so that an input that comes in groups keeps
 * its groups' order.
 */
final class LongestPrefixFirst implements SchedulingPolicy {
  @Override
  public String name() {
    return "longest-prefix-first";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    long[] earliest = new long[tree.nodes()];
    Arrays.fill(earliest, Long.MAX_VALUE);
    for (int position = 0; position < tree.requests().size(); position++) {
      int node = tree.nodeAt(position);
      earliest[node] = Math.min(earliest[node], tree.requestAt(position));
    }
    for (int node = tree.nodes() - 1; node > 0; node--) {
      int parent = tree.parent(node);
      earliest[parent] = Math.min(earliest[parent], earliest[node]);
    }
    return PlannedOrder.oneSided(
        name(),
        TreeOrder.depthFirst(tree, earliest),
        List.of(
            "the request with the longest prefix in common with those before it runs next, the"
                + " earliest among equals; the cache is taken to be unlimited"));
  }
}
