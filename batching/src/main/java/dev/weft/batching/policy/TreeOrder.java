package dev.weft.batching.policy;

import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;

/** Depth-first walks through a prefix tree with the children of each node in a chosen order. */
final class TreeOrder {
  private TreeOrder() {}

  /**
   * Depth first: the requests that end at a node come before its children, the children by
   * ascending rank, equal ranks in the order of the tree.
   *
   * @param rank rank of each node among its siblings
   * @return request numbers
   */
  static int[] depthFirst(PrefixTree tree, long[] rank) {
    int[] order = new int[tree.requests().size()];
    int out = 0;
    int[] stack = new int[64];
    int top = 0;
    stack[top++] = 0;
    Siblings siblings = new Siblings(rank);
    int visited = 0;
    while (top > 0) {
      if ((++visited & 0xFFFF) == 0) {
        PlanningInterruptedException.check();
      }
      int node = stack[--top];
      int ownEnd = tree.ownEndPosition(node);
      for (int position = tree.firstPosition(node); position < ownEnd; position++) {
        order[out++] = tree.requestAt(position);
      }
      siblings.clear();
      for (int child = node + 1; child < tree.subtreeEnd(node); child = tree.subtreeEnd(child)) {
        siblings.add(child);
      }
      siblings.sort();
      if (top + siblings.size > stack.length) {
        stack = Arrays.copyOf(stack, Math.max(2 * stack.length, top + siblings.size));
      }
      for (int i = siblings.size - 1; i >= 0; i--) {
        stack[top++] = siblings.nodes[i];
      }
    }
    return order;
  }

  /** Node numbers sorted stably by rank: a bottom-up merge sort without boxing. */
  private static final class Siblings {
    private final long[] rank;
    private int[] nodes = new int[64];
    private int[] spare = new int[64];
    private int size;

    private Siblings(long[] rank) {
      this.rank = rank;
    }

    void clear() {
      size = 0;
    }

    void add(int node) {
      if (size == nodes.length) {
        nodes = Arrays.copyOf(nodes, 2 * size);
        spare = new int[2 * size];
      }
      nodes[size++] = node;
    }

    void sort() {
      for (int width = 1; width < size; width *= 2) {
        for (int low = 0; low < size; low += 2 * width) {
          merge(low, Math.min(low + width, size), Math.min(low + 2 * width, size));
        }
        int[] merged = spare;
        spare = nodes;
        nodes = merged;
      }
    }

    private void merge(int low, int middle, int high) {
      int a = low;
      int b = middle;
      for (int out = low; out < high; out++) {
        boolean fromA = b == high || (a < middle && rank[nodes[a]] <= rank[nodes[b]]);
        spare[out] = fromA ? nodes[a++] : nodes[b++];
      }
    }
  }
}
