package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * {@code batchllm}: groups of requests with one common prefix each, after BatchLLM (arXiv
 * 2412.03594).
 *
 * <p>Every request is in at most one group, and a group computes its prefix once: prefixes of
 * several levels are reduced to one. Bottom up, the {@code k} requests collected at a node stay a
 * group of their own if the tokens they save below the parent, {@code (k - 1) * span}, outweigh
 * computing the parent's prefix once more for them; otherwise they join the parent's group. What
 * reaches the root shares nothing. The paper calls its reduction dynamic programming and compares
 * the same two gains; this one decides bottom up and once for each node, so it is greedy: it weighs
 * a group against its parent even where the parent's group itself joins the one above later.
 *
 * <p>Groups run by falling ratio of expected output tokens to computed prompt tokens, so that
 * decoding starts early and runs beside the prompts of later groups; ties, and the requests of one
 * group, in the order of the tree. Composing token batches is left to the engine, which fills every
 * step to its token budget for all policies alike.
 */
final class BatchLlm implements SchedulingPolicy {
  @Override
  public String name() {
    return "batchllm";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    int[] groupOf = groups(tree);
    RequestSet requests = tree.requests();
    int n = requests.size();
    // Requests, output and computed prompt tokens by group; a group is named by its node.
    int[] members = new int[tree.nodes()];
    long[] output = new long[tree.nodes()];
    long[] computed = new long[tree.nodes()];
    for (int position = 0; position < n; position++) {
      int group = groupOf[tree.nodeAt(position)];
      int request = tree.requestAt(position);
      int prefix = members[group]++ == 0 ? 0 : tree.depthTokens(group);
      output[group] += requests.estimatedOutputTokens(request);
      computed[group] += requests.promptTokens(request) - prefix;
    }
    PlanningInterruptedException.check();
    int[] order = new int[n];
    int[] starts = starts(tree, groupOf, members, output, computed);
    long saved = 0;
    int groups = 0;
    for (int node = 1; node < tree.nodes(); node++) {
      saved += members[node] == 0 ? 0 : (members[node] - 1L) * tree.depthTokens(node);
      groups += members[node] == 0 ? 0 : 1;
    }
    for (int position = 0; position < n; position++) {
      int group = groupOf[tree.nodeAt(position)];
      int slot = group == 0 ? starts[tree.nodes() + position] : starts[group]++;
      order[slot] = tree.requestAt(position);
    }
    long sharing = tree.promptTokens() - tree.distinctTokens();
    return PlannedOrder.oneSided(
        name(),
        order,
        List.of(
            String.format(
                Locale.ROOT,
                "%d groups with one common prefix each save %d of the %d prompt tokens that can be"
                    + " shared; %d requests are alone; most output per prompt token first",
                groups,
                saved,
                sharing,
                members[0])));
  }

  /** By node: the node whose group the requests that end there are in; the root for none. */
  static int[] groups(PrefixTree tree) {
    int nodes = tree.nodes();
    int[] collected = new int[nodes];
    int[] group = new int[nodes];
    for (int node = nodes - 1; node > 0; node--) {
      collected[node] += tree.ownEndPosition(node) - tree.firstPosition(node);
      int parent = tree.parent(node);
      long saving = (collected[node] - 1L) * tree.spanTokens(node);
      if (saving > tree.depthTokens(parent)) {
        group[node] = node;
      } else {
        collected[parent] += collected[node];
      }
    }
    for (int node = 1; node < nodes; node++) {
      if (group[node] == 0) {
        group[node] = group[tree.parent(node)];
      }
    }
    return group;
  }

  /**
   * Where in the order each group starts, by node, and each request alone, by {@code nodes() +
   * sorted position}.
   */
  private static int[] starts(
      PrefixTree tree, int[] groupOf, int[] members, long[] output, long[] computed) {
    RequestSet requests = tree.requests();
    int nodes = tree.nodes();
    int n = requests.size();
    long[] keys = new long[n];
    int units = 0;
    for (int node = 1; node < nodes; node++) {
      if (members[node] > 0) {
        keys[units++] = key(output[node], computed[node], node);
      }
    }
    for (int position = 0; position < n; position++) {
      if (groupOf[tree.nodeAt(position)] == 0) {
        int request = tree.requestAt(position);
        keys[units++] =
            key(
                requests.estimatedOutputTokens(request),
                requests.promptTokens(request),
                nodes + position);
      }
    }
    Arrays.sort(keys, 0, units);
    int[] starts = new int[nodes + n];
    int at = 0;
    for (int i = 0; i < units; i++) {
      int unit = (int) keys[i];
      starts[unit] = at;
      at += unit < nodes ? members[unit] : 1;
    }
    return starts;
  }

  /** Sorts by falling ratio, then by unit. */
  private static long key(long outputTokens, long promptTokens, int unit) {
    float ratio = (float) ((double) outputTokens / promptTokens);
    // Bits of floats that are not negative sort like the numbers.
    return (long) ~Float.floatToIntBits(ratio) << 32 | unit;
  }
}
