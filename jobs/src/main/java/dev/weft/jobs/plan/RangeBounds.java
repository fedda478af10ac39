package dev.weft.jobs.plan;

import dev.weft.batching.tree.PrefixTree;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Borders between ranges of requests, in the order of their prompts (token by token, a prompt
 * before its extensions) and of row keys among equal prompts; or in the order of row keys alone.
 *
 * <p>Borders come from a sample of the requests. Each is moved, within {@link #TOLERANCE} of a
 * range, to where the neighbours of the sample have the fewest tokens in common, and is cut off
 * after the first token that tells them apart: prompts that share a long prefix stay together where
 * they can, and a prefix that outweighs a range is divided further down its tree.
 *
 * <p>Spark's own range partitioner would draw a sample that depends on what the session did before;
 * these borders depend on the requests alone.
 */
final class RangeBounds implements Serializable {
  private static final long serialVersionUID = 1;

  /** How far a border may move, as part of a range. */
  private static final double TOLERANCE = 0.2;

  private final boolean byPrompt;
  private final int[][] prompts;
  private final long[] rowKeys;

  private RangeBounds(boolean byPrompt, List<int[]> prompts, List<Long> rowKeys) {
    this.byPrompt = byPrompt;
    this.prompts = prompts.toArray(int[][]::new);
    this.rowKeys = rowKeys.stream().mapToLong(k -> k).toArray();
  }

  /**
   * @param sample some of the requests
   * @param ranges wanted ranges; fewer come out where the sample has too few requests
   * @param byPrompt whether prompts decide; else row keys alone
   */
  static RangeBounds of(RequestTable sample, int ranges, boolean byPrompt) {
    PrefixTree tree = PrefixTree.build(sample.requests());
    int n = sample.size();
    int[] order = byPrompt ? tree.sortedRequests() : identity(n);
    double[] before = new double[n + 1];
    for (int i = 0; i < n; i++) {
      before[i + 1] = before[i] + sample.requests().promptTokens(order[i]);
    }
    List<int[]> prompts = new ArrayList<>();
    List<Long> keys = new ArrayList<>();
    double each = before[n] / ranges;
    int last = 0;
    for (int i = 1; i < ranges; i++) {
      int at = nearest(before, i * each);
      if (byPrompt) {
        at = least(tree, before, at, TOLERANCE * each);
      }
      if (at <= last || at >= n) {
        continue;
      }
      last = at;
      int request = order[at];
      if (!byPrompt) {
        prompts.add(new int[0]);
        keys.add(sample.rowKeys()[request]);
        continue;
      }
      int common = tree.commonPrefixTokens(at);
      int[] prompt = sample.requests().prompt(request);
      boolean equal = common == prompt.length;
      prompts.add(equal ? prompt : Arrays.copyOf(prompt, common + 1));
      keys.add(equal ? sample.rowKeys()[request] : Long.MIN_VALUE);
    }
    return new RangeBounds(byPrompt, prompts, keys);
  }

  private static int[] identity(int n) {
    int[] all = new int[n];
    Arrays.setAll(all, i -> i);
    return all;
  }

  private static int nearest(double[] before, double wanted) {
    int at = Arrays.binarySearch(before, wanted);
    return at >= 0 ? at : -at - 1;
  }

  /** The position near {@code at} whose request has least in common with the one before it. */
  private static int least(PrefixTree tree, double[] before, int at, double tolerance) {
    int n = before.length - 1;
    int best = at;
    int fewest = at > 0 && at < n ? tree.commonPrefixTokens(at) : Integer.MAX_VALUE;
    for (int i = Math.max(1, nearest(before, before[at] - tolerance)); i < n; i++) {
      if (before[i] > before[at] + tolerance) {
        break;
      }
      int common = tree.commonPrefixTokens(i);
      if (common < fewest) {
        best = i;
        fewest = common;
      }
    }
    return best;
  }

  /** Number of ranges. */
  int ranges() {
    return prompts.length + 1;
  }

  /** Range of a request: {@code 0 .. ranges() - 1}. */
  int rangeOf(int[] prompt, long rowKey) {
    int low = 0;
    int high = prompts.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (isBefore(prompt, rowKey, middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  private boolean isBefore(int[] prompt, long rowKey, int bound) {
    int order = byPrompt ? Arrays.compare(prompt, prompts[bound]) : 0;
    return order < 0 || (order == 0 && rowKey < rowKeys[bound]);
  }
}
