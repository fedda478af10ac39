package dev.weft.batching.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import java.util.Arrays;

/**
 * What pieces of an order cost when each piece has its own unlimited prefix cache: walking the
 * order and, for each request, up the tree to the first node that the piece has seen already.
 */
final class OrderCosts {
  private final PrefixTree tree;
  private final CostModel cost;
  private final PlannedOrder order;

  /** Sorted position of the request at each position of the order. */
  private final int[] sortedPositions;

  private final TreeResources resources;

  /** Number of the last walk that saw a node. */
  private final int[] seen;

  private int walk;

  /** Compute and memory seconds at each position if nothing is cut. */
  private final double[] computeSeconds;

  private final double[] memorySeconds;

  OrderCosts(PrefixTree tree, CostModel cost, PlannedOrder order) {
    this.tree = tree;
    this.cost = cost;
    this.order = order;
    RequestSet requests = tree.requests();
    int n = requests.size();
    int[] positionOf = new int[n];
    for (int i = 0; i < n; i++) {
      positionOf[tree.requestAt(i)] = i;
    }
    sortedPositions = new int[n];
    resources = tree.resources(cost);
    seen = new int[tree.nodes()];
    computeSeconds = new double[n];
    memorySeconds = new double[n];
    walk++;
    seen[0] = walk;
    for (int i = 0; i < n; i++) {
      if ((i & 0xFFFF) == 0) {
        PlanningInterruptedException.check();
      }
      sortedPositions[i] = positionOf[order.request(i)];
      int request = order.request(i);
      int shared = tree.depthTokens(visit(sortedPositions[i]));
      computeSeconds[i] =
          cost.computeSeconds(
              requests.promptTokens(request), shared, requests.estimatedOutputTokens(request));
      memorySeconds[i] = resources.requestMemorySeconds(sortedPositions[i]);
    }
  }

  /** Marks the path of a request and returns the deepest node of it that was marked already. */
  private int visit(int sortedPosition) {
    int node = tree.nodeAt(sortedPosition);
    while (seen[node] != walk) {
      seen[node] = walk;
      node = tree.parent(node);
    }
    return node;
  }

  /** Sums over the positions {@code [from, to)} with a cache of their own. */
  Partition partition(int from, int to) {
    RequestSet requests = tree.requests();
    walk++;
    seen[0] = walk;
    long prompt = 0;
    long computed = 0;
    long output = 0;
    double compute = 0;
    double memory = 0;
    for (int i = from; i < to; i++) {
      int request = order.request(i);
      int tokens = requests.promptTokens(request);
      int shared = tree.depthTokens(visit(sortedPositions[i]));
      int outputTokens = requests.estimatedOutputTokens(request);
      prompt += tokens;
      computed += tokens - shared;
      output += outputTokens;
      compute += cost.computeSeconds(tokens, shared, outputTokens);
      memory += memorySeconds[i];
    }
    return new Partition(
        from, to, prompt, computed, output, compute, memory, cost.totalSeconds(compute, memory));
  }

  /** Prompt tokens that whole pages save among the positions {@code [from, to)}. */
  long reusableTokens(int from, int to, int pageTokens) {
    int[] piece = Arrays.copyOfRange(sortedPositions, from, to);
    Arrays.sort(piece);
    RequestSet requests = tree.requests();
    long pages = 0;
    for (int i = 1; i < piece.length; i++) {
      int common =
          tree.depthTokens(tree.commonAncestor(tree.nodeAt(piece[i - 1]), tree.nodeAt(piece[i])));
      int last = requests.promptTokens(tree.requestAt(piece[i])) - 1;
      pages += Math.min(common, last) / pageTokens;
    }
    return pages * pageTokens;
  }

  /** Tokens that two requests of the order have in common. */
  int commonTokens(int position, int otherPosition) {
    return tree.depthTokens(
        tree.commonAncestor(
            tree.nodeAt(sortedPositions[position]), tree.nodeAt(sortedPositions[otherPosition])));
  }

  /** Compute seconds at a position of the order if nothing is cut. */
  double computeSeconds(int position) {
    return computeSeconds[position];
  }

  double memorySeconds(int position) {
    return memorySeconds[position];
  }

  /** Seconds that the request at a position takes if it runs alone and finds nothing shared. */
  double aloneSeconds(int position) {
    int request = order.request(position);
    int prompt = tree.requests().promptTokens(request);
    int output = tree.requests().estimatedOutputTokens(request);
    double step = cost.stepSeconds(1, 1, 0, prompt + output / 2);
    return cost.prefillSeconds(0, prompt) + output * step;
  }

  /** Seconds of computing a prefix of that many tokens again. */
  double prefillSeconds(int tokens) {
    return cost.prefillSeconds(0, tokens);
  }

  double totalSeconds(double compute, double memory) {
    return cost.totalSeconds(compute, memory);
  }
}
