package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Walks the requests of one side depth first, so that it keeps its sharing. The children of each
 * node are sorted by density (BlendServe's layer-wise sort) and then taken from both ends of the
 * sort in turn, so that every stretch of the walk has about the density of the side. Going from one
 * extreme to the other instead, the memory that a side needs would change all the time, and
 * neighbours of equal length would start and end together and leave memory empty between.
 *
 * <p>The requests that end at a node come before its children: a prompt comes before its
 * extensions.
 */
final class SideWalk {
  private final PrefixTree tree;
  private final CostModel cost;

  /** Sorted positions of this side in the order of the walk. */
  private final int[] positions;

  /** Compute and memory seconds of each, given what this side computed before it. */
  private final double[] computeSeconds;

  private final double[] memorySeconds;

  /** Sums over what each subtree has on this side; compute is NaN where it has nothing. */
  private final double[] nodeCompute;

  private final double[] nodeMemory;
  private double totalCompute;
  private double totalMemory;

  /**
   * @param members sorted positions that belong to the side
   */
  SideWalk(PrefixTree tree, TreeResources resources, CostModel cost, BitSet members) {
    this.tree = tree;
    this.cost = cost;
    positions = new int[members.cardinality()];
    computeSeconds = new double[positions.length];
    memorySeconds = new double[positions.length];
    nodeCompute = new double[tree.nodes()];
    nodeMemory = new double[tree.nodes()];
    sum(resources, members);
    walk(members);
    price(resources);
  }

  private void sum(TreeResources resources, BitSet members) {
    Arrays.fill(nodeCompute, Double.NaN);
    for (int p = members.nextSetBit(0); p >= 0; p = members.nextSetBit(p + 1)) {
      int output = tree.requests().estimatedOutputTokens(tree.requestAt(p));
      add(tree.nodeAt(p), cost.decodeComputeSeconds(output), resources.requestMemorySeconds(p));
    }
    for (int node = tree.nodes() - 1; node > 0; node--) {
      if (!Double.isNaN(nodeCompute[node])) {
        int parent = tree.parent(node);
        nodeCompute[node] += cost.prefillSeconds(tree.depthTokens(parent), tree.depthTokens(node));
        add(parent, nodeCompute[node], nodeMemory[node]);
      }
    }
  }

  private void add(int node, double compute, double memory) {
    nodeCompute[node] = (Double.isNaN(nodeCompute[node]) ? 0 : nodeCompute[node]) + compute;
    nodeMemory[node] += memory;
  }

  private void walk(BitSet members) {
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
        if (!Double.isNaN(nodeCompute[child])) {
          if (count == children.length) {
            children = Arrays.copyOf(children, 2 * count);
          }
          children[count++] = sortKey(child);
        }
      }
      if (top + count > stack.length) {
        stack = Arrays.copyOf(stack, Math.max(2 * stack.length, top + count));
      }
      Arrays.sort(children, 0, count);
      push(children, count, stack, top);
      top += count;
    }
  }

  /** Sorts by density, ties by node number. */
  private long sortKey(int node) {
    float density = (float) (nodeCompute[node] / (nodeMemory[node] + 1e-30));
    // Bits of positive floats sort like the numbers.
    return (long) Float.floatToIntBits(density) << 32 | node;
  }

  /**
   * Pushes sorted children so that they come off the stack from both ends of the sort in turn: the
   * densest as long as what came before is less dense than all of them together.
   */
  private void push(long[] sorted, int count, int[] stack, int top) {
    double compute = 0;
    double memory = 0;
    for (int i = 0; i < count; i++) {
      compute += nodeCompute[(int) sorted[i]];
      memory += nodeMemory[(int) sorted[i]];
    }
    double rho = compute / (memory + 1e-30);
    compute = 0;
    memory = 0;
    int low = 0;
    int high = count - 1;
    for (int slot = top + count - 1; slot >= top; slot--) {
      int child = (int) (compute <= rho * memory ? sorted[high--] : sorted[low++]);
      stack[slot] = child;
      compute += nodeCompute[child];
      memory += nodeMemory[child];
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
