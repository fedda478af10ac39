package dev.weft.batching.tree;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.OutputGroups;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import java.util.Arrays;

/**
 * The prefix tree of the prompts of a request set.
 *
 * <p>A node is a place where prompts branch or end; its edge is a span of tokens. Node 0 is the
 * root (no tokens). Nodes are numbered in preorder, children in the order of their first token, so
 * that the subtree of a node is {@code [node, subtreeEnd(node))}, its first child is {@code node +
 * 1} and the next sibling of a child is {@code subtreeEnd(child)}. The requests below a node are
 * the contiguous range {@code [firstPosition, endPosition)} of the sorted requests; those that end
 * at the node come first in it.
 *
 * <p>At most {@code 2 n + 1} nodes of 16 bytes, and 12 bytes for each request. Nothing is
 * recursive: depth is bounded by memory only.
 */
public final class PrefixTree {
  private final RequestSet requests;
  private final int threads;

  /** Request at each sorted position. */
  private final int[] sorted;

  /** Common prefix tokens of sorted neighbours: of position i with i - 1. */
  private final int[] commonPrefix;

  /** Node where the request at each sorted position ends. */
  private final int[] nodes;

  private final int[] parent;
  private final int[] depthTokens;
  private final int[] firstPosition;
  private final int[] subtreeEnd;

  private PrefixTree(RequestSet requests, PrefixTree structure) {
    this.requests = requests;
    threads = structure.threads;
    sorted = structure.sorted;
    commonPrefix = structure.commonPrefix;
    nodes = structure.nodes;
    parent = structure.parent;
    depthTokens = structure.depthTokens;
    firstPosition = structure.firstPosition;
    subtreeEnd = structure.subtreeEnd;
  }

  private PrefixTree(RequestSet requests, PlanningPool pool, int grain) {
    this.requests = requests;
    threads = pool.threads();
    PrefixSort sort = new PrefixSort(requests, pool, grain);
    sorted = sort.order;
    commonPrefix = sort.commonPrefix;
    NodeBuilder builder = new NodeBuilder(requests, sorted, commonPrefix);
    nodes = builder.nodes;
    parent = builder.parent;
    depthTokens = builder.depthTokens;
    firstPosition = builder.firstPosition;
    subtreeEnd = builder.subtreeEnd;
  }

  /** Builds the tree with a thread for each processor; any set will do, an empty one included. */
  public static PrefixTree build(RequestSet requests) {
    return build(requests, Runtime.getRuntime().availableProcessors());
  }

  /**
   * Builds the tree; the result does not depend on the number of threads.
   *
   * @param threads most threads for building it and for its sums; small sets take one
   * @throws PlanningInterruptedException if the calling thread is interrupted
   */
  public static PrefixTree build(RequestSet requests, int threads) {
    return build(requests, threads, PrefixSort.GRAIN);
  }

  /** With parts of {@code grain} requests, so that tests need not be large. */
  static PrefixTree build(RequestSet requests, int threads, int grain) {
    return new PrefixTree(requests, new PlanningPool(threads), grain);
  }

  /** Most threads for computations over the whole tree. */
  int threads() {
    return threads;
  }

  /** The same tree over requests with other expected output lengths. */
  public PrefixTree withEstimatedOutputTokens(int[] estimates) {
    return new PrefixTree(requests.withEstimatedOutputTokens(estimates), this);
  }

  /** The same tree over requests with other output lengths; see {@link RequestSet#withOutputs}. */
  public PrefixTree withOutputs(int[] estimates, OutputGroups groups) {
    return new PrefixTree(requests.withOutputs(estimates, groups), this);
  }

  public RequestSet requests() {
    return requests;
  }

  /** Number of nodes, root included; at least 1. */
  public int nodes() {
    return parent.length;
  }

  /** Parent of a node; -1 for the root. */
  public int parent(int node) {
    return parent[node];
  }

  /** Tokens from the root to the end of the node. */
  public int depthTokens(int node) {
    return depthTokens[node];
  }

  /** Tokens of the node's own edge. */
  public int spanTokens(int node) {
    return node == 0 ? 0 : depthTokens[node] - depthTokens[parent[node]];
  }

  /** First node after the subtree of this one. */
  public int subtreeEnd(int node) {
    return subtreeEnd[node];
  }

  /** First sorted position below the node. */
  public int firstPosition(int node) {
    return firstPosition[node];
  }

  /** First sorted position after those below the node. */
  public int endPosition(int node) {
    int end = subtreeEnd[node];
    return end == parent.length ? sorted.length : firstPosition[end];
  }

  /** First sorted position below the node that does not end at the node itself. */
  public int ownEndPosition(int node) {
    return node + 1 < subtreeEnd[node] ? firstPosition[node + 1] : endPosition(node);
  }

  /** Requests below the node. */
  public int requestCount(int node) {
    return endPosition(node) - firstPosition(node);
  }

  /** Request at a sorted position. */
  public int requestAt(int position) {
    return sorted[position];
  }

  /** Node where the request at a sorted position ends. */
  public int nodeAt(int position) {
    return nodes[position];
  }

  /** Tokens that the requests at {@code position} and {@code position - 1} have in common. */
  public int commonPrefixTokens(int position) {
    return commonPrefix[position];
  }

  /** A copy of all requests in sorted order, which is depth first. */
  public int[] sortedRequests() {
    return sorted.clone();
  }

  /** The node of each request, by request number. */
  public int[] nodeOfRequests() {
    int[] node = new int[sorted.length];
    for (int i = 0; i < sorted.length; i++) {
      node[sorted[i]] = nodes[i];
    }
    return node;
  }

  /** Deepest node that is above both (or one of them). */
  public int commonAncestor(int a, int b) {
    int low = Math.min(a, b);
    int high = Math.max(a, b);
    while (high >= subtreeEnd[low]) {
      low = parent[low];
    }
    return low;
  }

  /** Prompt tokens of all requests. */
  public long promptTokens() {
    long sum = 0;
    for (int i = 0; i < sorted.length; i++) {
      sum += requests.promptTokens(i);
    }
    return sum;
  }

  /** Tokens of the tree: what must be computed at least, token by token. */
  public long distinctTokens() {
    long sum = 0;
    for (int node = 1; node < parent.length; node++) {
      sum += spanTokens(node);
    }
    return sum;
  }

  /**
   * Prompt tokens that an engine with KV pages of {@code pageTokens} tokens and an unlimited cache
   * does not compute: for each request the pages wholly covered by the prompt of a request sorted
   * before it, at most {@code floor((p-1) / pageTokens)}, since the last prompt token must always
   * be computed to get logits.
   *
   * <p>No order saves more. An order in which a prompt comes after its own extension saves one page
   * less for it if its length is a multiple of {@code pageTokens}; the orders of this package avoid
   * that where they are one-sided.
   */
  public long reusableTokens(int pageTokens) {
    if (pageTokens < 1) {
      throw new IllegalArgumentException("pageTokens must be at least 1, got " + pageTokens);
    }
    long pages = 0;
    for (int i = 1; i < sorted.length; i++) {
      pages +=
          Math.min(
              commonPrefix[i] / pageTokens, (requests.promptTokens(sorted[i]) - 1) / pageTokens);
    }
    return pages * pageTokens;
  }

  /** Compute and memory seconds of every subtree. */
  public TreeResources resources(CostModel cost) {
    return TreeResources.of(this, cost);
  }

  /** Builds the node arrays from sorted requests and their common prefixes. */
  private static final class NodeBuilder {
    final int[] nodes;
    int[] parent;
    int[] depthTokens;
    int[] firstPosition;
    int[] subtreeEnd;

    /** Nodes in the order they are closed: children before parents. */
    private int[] closedDepth = new int[16];

    private int[] closedFirst = new int[16];
    private int closed;

    NodeBuilder(RequestSet requests, int[] sorted, int[] commonPrefix) {
      int n = sorted.length;
      nodes = new int[n];
      int[] stackDepth = new int[16];
      int[] stackFirst = new int[16];
      int top = 0;
      for (int i = 0; i < n; i++) {
        int common = commonPrefix[i];
        int first = i;
        while (stackDepth[top] > common) {
          first = stackFirst[top];
          close(stackDepth[top], first);
          top--;
        }
        if (top + 3 > stackDepth.length) {
          stackDepth = Arrays.copyOf(stackDepth, 2 * stackDepth.length);
          stackFirst = Arrays.copyOf(stackFirst, 2 * stackFirst.length);
        }
        if (stackDepth[top] < common) {
          stackDepth[++top] = common;
          stackFirst[top] = first;
        }
        int length = requests.promptTokens(sorted[i]);
        if (stackDepth[top] < length) {
          stackDepth[++top] = length;
          stackFirst[top] = i;
        }
        if ((i & 0xFFFF) == 0) {
          PlanningInterruptedException.check();
        }
      }
      for (; top >= 0; top--) {
        close(stackDepth[top], stackFirst[top]);
      }
      number(n);
      link(commonPrefix);
    }

    private void close(int depth, int first) {
      if (closed == closedDepth.length) {
        int capacity = closed + (closed >> 1);
        closedDepth = Arrays.copyOf(closedDepth, capacity);
        closedFirst = Arrays.copyOf(closedFirst, capacity);
      }
      closedDepth[closed] = depth;
      closedFirst[closed++] = first;
    }

    /**
     * Preorder is the order by first position, then depth: nodes of one chain close deepest first.
     */
    private void number(int n) {
      int[] slots = new int[n + 1];
      for (int i = 0; i < closed; i++) {
        slots[closedFirst[i]]++;
      }
      int end = 0;
      for (int i = 0; i <= n; i++) {
        end += slots[i];
        slots[i] = end;
      }
      depthTokens = new int[closed];
      firstPosition = new int[closed];
      for (int i = 0; i < closed; i++) {
        int node = --slots[closedFirst[i]];
        depthTokens[node] = closedDepth[i];
        firstPosition[node] = closedFirst[i];
      }
      closedDepth = null;
      closedFirst = null;
    }

    /** Parents, subtree ends, and the node where each request ends. */
    private void link(int[] commonPrefix) {
      int count = depthTokens.length;
      parent = new int[count];
      subtreeEnd = new int[count];
      parent[0] = -1;
      int open = 0;
      int position = 0;
      for (int node = 1; node < count; node++) {
        int first = firstPosition[node];
        // A prompt without a node of its own equals the one before it.
        for (; position < first; position++) {
          nodes[position] = open;
        }
        if (firstPosition[open] != first) {
          for (; depthTokens[open] > commonPrefix[first]; open = parent[open]) {
            subtreeEnd[open] = node;
          }
        }
        parent[node] = open;
        open = node;
      }
      Arrays.fill(nodes, position, nodes.length, open);
      for (; open >= 0; open = parent[open]) {
        subtreeEnd[open] = count;
      }
    }
  }
}
