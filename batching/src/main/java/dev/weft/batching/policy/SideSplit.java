package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import java.util.BitSet;

/**
 * Splits the prefix tree into a compute side and a memory side, breaking as little sharing as the
 * bound allows.
 *
 * <p>A subtree that goes to one side as a whole keeps all its sharing. A node with requests on both
 * sides is <i>mixed</i>: its edge is computed on both. Let {@code rho} be the density of the whole
 * and {@code I(u) = C(u) - rho M(u)} the imbalance of a subtree, in seconds of compute. Going to
 * the compute side is worth {@code I(u)}, to the memory side {@code -I(u)}, and being mixed the
 * best of its parts less the compute of its edge (at what the objective counts for computing it
 * twice) less {@code lambda} for each token of it. The best choice for a given price {@code lambda}
 * is one pass up and one pass down the tree; the lowest price at which the mixed edges hold no more
 * tokens than the bound is found by bisection.
 *
 * <p>This is the node split of BlendServe (arXiv 2411.16102), which splits outlier nodes one by one
 * under the same kind of bound, done for all nodes at once.
 */
final class SideSplit {
  private static final int SEARCH_STEPS = 24;
  private static final byte COMPUTE = 0;
  private static final byte MEMORY = 1;
  private static final byte MIXED = 2;

  private final PrefixTree tree;
  private final TreeResources resources;
  private final CostModel cost;
  private final double rho;
  private final double recomputeFactor;

  /** Value of the requests that end at a node if each takes its better side. */
  private final double[] ownValue;

  private final double[] mixedValue;
  private byte[] states;
  private long mixedTokens;

  /**
   * @param rho density of the whole: of the root, or of the table that the tree is a part of
   * @param boundTokens most tokens that may be computed on both sides
   */
  SideSplit(
      PrefixTree tree, TreeResources resources, CostModel cost, double rho, long boundTokens) {
    this.tree = tree;
    this.resources = resources;
    this.cost = cost;
    this.rho = rho;
    recomputeFactor = cost.objective().recomputeFactor();
    int nodes = tree.nodes();
    ownValue = new double[nodes];
    for (int position = 0; position < tree.requests().size(); position++) {
      ownValue[tree.nodeAt(position)] += Math.abs(imbalanceAt(position));
    }
    mixedValue = new double[nodes];
    states = new byte[nodes];
    search(boundTokens);
  }

  private void search(long boundTokens) {
    if (choose(0, states) <= boundTokens) {
      mixedTokens = choose(0, states);
      return;
    }
    double high = 1e-30;
    for (int node = 0; node < tree.nodes(); node++) {
      high += ownValue[node];
    }
    double low = high * 1e-12;
    byte[] candidate = new byte[states.length];
    mixedTokens = choose(2 * high, states);
    for (int step = 0; step < SEARCH_STEPS; step++) {
      PlanningInterruptedException.check();
      double price = Math.sqrt(low * high);
      long tokens = choose(price, candidate);
      if (tokens <= boundTokens) {
        high = price;
        mixedTokens = tokens;
        byte[] better = candidate;
        candidate = states;
        states = better;
      } else {
        low = price;
      }
    }
  }

  /** Chooses the best states at a price per token and returns the tokens of mixed edges. */
  private long choose(double price, byte[] chosen) {
    int nodes = tree.nodes();
    System.arraycopy(ownValue, 0, mixedValue, 0, nodes);
    for (int node = nodes - 1; node >= 0; node--) {
      double imbalance = imbalance(node);
      double mixed = mixedValue[node] - edgeSeconds(node) - price * tree.spanTokens(node);
      double pure = Math.abs(imbalance);
      if (mixed > pure * (1 + 1e-9)) {
        chosen[node] = MIXED;
      } else {
        chosen[node] = imbalance >= 0 ? COMPUTE : MEMORY;
      }
      if (node > 0) {
        mixedValue[tree.parent(node)] += Math.max(pure, mixed);
      }
    }
    long tokens = 0;
    for (int node = 0; node < nodes; node++) {
      if (node > 0 && chosen[tree.parent(node)] != MIXED) {
        chosen[node] = chosen[tree.parent(node)];
      }
      tokens += chosen[node] == MIXED ? tree.spanTokens(node) : 0;
    }
    return tokens;
  }

  private double imbalance(int node) {
    return resources.computeSeconds(node) - rho * resources.memorySeconds(node);
  }

  private double imbalanceAt(int position) {
    int output = tree.requests().estimatedOutputTokens(tree.requestAt(position));
    return cost.decodeComputeSeconds(output) - rho * resources.requestMemorySeconds(position);
  }

  private double edgeSeconds(int node) {
    return node == 0
        ? 0
        : recomputeFactor
            * cost.prefillSeconds(tree.depthTokens(tree.parent(node)), tree.depthTokens(node));
  }

  /** Upper bound of the tokens that are computed on both sides. */
  long mixedTokens() {
    return mixedTokens;
  }

  /** Sorted positions of the requests on the memory side. */
  BitSet memorySide() {
    int n = tree.requests().size();
    BitSet memory = new BitSet(n);
    for (int position = 0; position < n; position++) {
      byte state = states[tree.nodeAt(position)];
      if (state == MEMORY || (state == MIXED && imbalanceAt(position) < 0)) {
        memory.set(position);
      }
    }
    return memory;
  }
}
