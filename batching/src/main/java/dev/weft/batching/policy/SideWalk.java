package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Walks the requests of one side depth first, the children of each node sorted by density
 * (layer-wise sort): the densest first on the compute side, the least dense first on the memory
 * side. The requests that end at a node come before its children, so that a prompt always comes
 * before its extensions.
 */
final class SideWalk {
  private final PrefixTree tree;
  private final CostModel cost;

  /** Sorted positions of this side in the order of the walk. */
  private final int[] positions;

  /** Compute and memory seconds of each, given what this side computed before it. */
  private final double[] computeSeconds;

  private final double[] memorySeconds;
  private double totalCompute;
  private double totalMemory;

  /**
   * @param members sorted positions that belong to the side
   * @param densestFirst direction of the layer-wise sort
   */
  SideWalk(
      PrefixTree tree,
      TreeResources resources,
      CostModel cost,
      BitSet members,
      boolean densestFirst) {
    this.tree = tree;
    this.cost = cost;
    positions = new int[members.cardinality()];
    computeSeconds = new double[positions.length];
    memorySeconds = new double[positions.length];
    walk(members, densities(resources, members), densestFirst);
    price(resources);
  }

  /** Density of what each subtree has on this side; NaN where it has nothing. */
  private float[] densities(TreeResources resources, BitSet members) {
    int nodes = tree.nodes();
    double[] compute = new double[nodes];
    double[] memory = new double[nodes];
    boolean[] present = new boolean[nodes];
    for (int p = members.nextSetBit(0); p >= 0; p = members.nextSetBit(p + 1)) {
      int node = tree.nodeAt(p);
      int output = tree.requests().estimatedOutputTokens(tree.requestAt(p));
      compute[node] += cost.decodeComputeSeconds(output);
      memory[node] += resources.requestMemorySeconds(p);
      present[node] = true;
    }
    float[] densities = new float[nodes];
    for (int node = nodes - 1; node >= 0; node--) {
      if (!present[node]) {
        densities[node] = Float.NaN;
        continue;
      }
      if (node > 0) {
        int parent = tree.parent(node);
        compute[node] += cost.prefillSeconds(tree.depthTokens(parent), tree.depthTokens(node));
        compute[parent] += compute[node];
        memory[parent] += memory[node];
        present[parent] = true;
      }
      densities[node] = (float) (compute[node] / (memory[node] + 1e-30));
    }
    return densities;
  }

  private void walk(BitSet members, float[] densities, boolean densestFirst) {
    int[] stack = new int[64];
    long[] children = new long[64];
    int top = 0;
    stack[top++] = 0;
    int out = 0;
    int visited = 0;
    while (top > 0) {
      if ((++visited & 0xFFFF) == 0) {
        PlanningInterruptedException.check();
      }
      int node = stack[--top];
      int ownEnd = tree.ownEndPosition(node);
      int p = members.nextSetBit(tree.firstPosition(node));
      for (; p >= 0 && p < ownEnd; p = members.nextSetBit(p + 1)) {
        positions[out++] = p;
      }
      int count = 0;
      for (int child = node + 1; child < tree.subtreeEnd(node); child = tree.subtreeEnd(child)) {
        if (!Float.isNaN(densities[child])) {
          if (count == children.length) {
            children = Arrays.copyOf(children, 2 * count);
          }
          // Densities are positive: their bits sort like the numbers. Ties keep the token order.
          long key = Float.floatToIntBits(densities[child]);
          children[count++] = (densestFirst ? Integer.MAX_VALUE - key : key) << 32 | child;
        }
      }
      Arrays.sort(children, 0, count);
      if (top + count > stack.length) {
        stack = Arrays.copyOf(stack, Math.max(2 * stack.length, top + count));
      }
      for (int i = count - 1; i >= 0; i--) {
        stack[top++] = (int) children[i];
      }
    }
  }

  private void price(TreeResources resources) {
    for (int i = 0; i < positions.length; i++) {
      int position = positions[i];
      int request = tree.requestAt(position);
      int shared =
          i == 0
              ? 0
              : tree.depthTokens(
                  tree.commonAncestor(tree.nodeAt(positions[i - 1]), tree.nodeAt(position)));
      computeSeconds[i] =
          cost.computeSeconds(
              tree.requests().promptTokens(request),
              shared,
              tree.requests().estimatedOutputTokens(request));
      memorySeconds[i] = resources.requestMemorySeconds(position);
      totalCompute += computeSeconds[i];
      totalMemory += memorySeconds[i];
    }
  }

  int size() {
    return positions.length;
  }

  /** Request at a place of the walk. */
  int request(int i) {
    return tree.requestAt(positions[i]);
  }

  double computeSeconds(int i) {
    return computeSeconds[i];
  }

  double memorySeconds(int i) {
    return memorySeconds[i];
  }

  double totalCompute() {
    return totalCompute;
  }

  double totalMemory() {
    return totalMemory;
  }
}
