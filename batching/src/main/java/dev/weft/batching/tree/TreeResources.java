package dev.weft.batching.tree;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.RequestSet;

/**
 * Compute and memory seconds of every subtree of a prefix tree, expected over the output lengths.
 *
 * <p>Compute counts the tokens of an edge once, for all requests below it; a subtree's sum holds
 * its own edge and not the edges above. Memory counts, per request, the KV reads of its whole
 * context, the edges above included: sharing saves compute, not reads. Only if the device reads a
 * shared prefix once for a group of {@code g} sequences, the tokens of an edge with {@code k}
 * requests below count {@code 1 / min(k, g)} for each of them. That takes the requests of a prefix
 * to run together, {@code g} at a time, which prefix order makes nearly so; {@code g} should
 * therefore be no more than the sequences that run at the same time.
 */
public final class TreeResources {
  private final double[] computeSeconds;
  private final double[] memorySeconds;

  /** Per sorted position. */
  private final double[] requestMemorySeconds;

  private TreeResources(double[] compute, double[] memory, double[] requestMemory) {
    computeSeconds = compute;
    memorySeconds = memory;
    requestMemorySeconds = requestMemory;
  }

  static TreeResources of(PrefixTree tree, CostModel cost) {
    RequestSet requests = tree.requests();
    int nodes = tree.nodes();
    double[] readTokens = new double[nodes];
    for (int node = 1; node < nodes; node++) {
      int group = Math.min(tree.requestCount(node), cost.device().sharedReadGroup());
      readTokens[node] = readTokens[tree.parent(node)] + (double) tree.spanTokens(node) / group;
    }
    double[] compute = new double[nodes];
    double[] memory = new double[nodes];
    double[] requestMemory = new double[requests.size()];
    PlanningPool pool = new PlanningPool(nodes > PrefixSort.GRAIN ? tree.threads() : 1);
    PlanningPool.Range own =
        (from, to) -> {
          for (int node = from; node < to; node++) {
            int ownEnd = tree.ownEndPosition(node);
            for (int position = tree.firstPosition(node); position < ownEnd; position++) {
              int request = tree.requestAt(position);
              int output = requests.estimatedOutputTokens(request);
              requestMemory[position] =
                  cost.memorySeconds(
                      readTokens[node], output, requests.meanSquareOutputTokens(request));
              compute[node] += cost.decodeComputeSeconds(output);
              memory[node] += requestMemory[position];
            }
            if (node > 0) {
              int above = tree.depthTokens(tree.parent(node));
              compute[node] += cost.prefillSeconds(above, tree.depthTokens(node));
            }
          }
        };
    pool.run(() -> pool.forRanges(0, nodes, PrefixSort.GRAIN, own));
    // Children have higher numbers than their parents: one pass downwards sums the subtrees.
    for (int node = nodes - 1; node > 0; node--) {
      int parent = tree.parent(node);
      compute[parent] += compute[node];
      memory[parent] += memory[node];
    }
    return new TreeResources(compute, memory, requestMemory);
  }

  /** Compute seconds of the subtree, its own edge included. */
  public double computeSeconds(int node) {
    return computeSeconds[node];
  }

  /** Memory seconds of the subtree. */
  public double memorySeconds(int node) {
    return memorySeconds[node];
  }

  /** Compute over memory seconds of the subtree; infinite if it reads no KV. */
  public double density(int node) {
    return computeSeconds[node] / memorySeconds[node];
  }

  /** Memory seconds of the request at a sorted position. */
  public double requestMemorySeconds(int position) {
    return requestMemorySeconds[position];
  }
}
