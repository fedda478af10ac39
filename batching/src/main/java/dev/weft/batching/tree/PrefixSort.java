package dev.weft.batching.tree;

import dev.weft.batching.request.RequestSet;

/**
 * Sorts requests by their prompts, lexicographically by token id, a prefix before its extensions
 * and equal prompts by request number, and yields the longest common prefix of neighbours.
 *
 * <p>A merge sort that carries the common prefixes along (LCP merge sort, Ng and Kakehi 2008): a
 * comparison starts where the two prompts are known to agree, so every shared token is looked at
 * about once. O(n log n + distinguishing tokens), 16 bytes a request. Halves are sorted and long
 * merges are cut in two by several threads; the result does not depend on their number. The
 * recursion is as deep as the logarithm of the number of requests.
 */
final class PrefixSort {
  /** Requests below which a part is not worth handing to another thread. */
  static final int GRAIN = 1 << 13;

  private final RequestSet requests;
  private final PlanningPool pool;
  private final int grain;

  /** Request at each sorted position. */
  int[] order;

  /** Common prefix with the request before it in the order; 0 at position 0. */
  int[] commonPrefix;

  PrefixSort(RequestSet requests, PlanningPool pool, int grain) {
    this.requests = requests;
    this.grain = grain;
    int n = requests.size();
    this.pool = n > grain ? pool : new PlanningPool(1);
    int[] requestNumbers = new int[n];
    for (int i = 0; i < n; i++) {
      requestNumbers[i] = i;
    }
    Run sorted = new Run(requestNumbers, new int[n]);
    Run spare = new Run(requestNumbers.clone(), new int[n]);
    this.pool.run(() -> sort(sorted, spare, 0, n));
    order = sorted.order;
    commonPrefix = sorted.common;
  }

  /**
   * Requests in sorted order.
   *
   * @param order request numbers
   * @param common common prefix of each with the one before it
   */
  private record Run(int[] order, int[] common) {}

  /** Sorts {@code [low, high)} into {@code to}; both runs hold the unsorted requests there. */
  private void sort(Run to, Run from, int low, int high) {
    if (high - low < 2) {
      return;
    }
    int middle = (low + high) >>> 1;
    if (high - low > grain) {
      pool.both(() -> sort(from, to, low, middle), () -> sort(from, to, middle, high));
    } else {
      sort(from, to, low, middle);
      sort(from, to, middle, high);
    }
    merge(from, low, middle, middle, high, to, low);
  }

  /** Merges the sorted {@code [a, endA)} and {@code [b, endB)}, equals from the first before. */
  private void merge(Run from, int a, int endA, int b, int endB, Run to, int out) {
    pool.check();
    if (endA - a > 1 && endA - a + endB - b > grain && pool.threads() > 1) {
      int cutA = (a + endA) >>> 1;
      int cutB = firstNotBefore(from.order[cutA], from, b, endB);
      int cutOut = out + (cutA - a) + (cutB - b);
      pool.both(
          () -> merge(from, a, cutA, b, cutB, to, out),
          () -> merge(from, cutA, endA, cutB, endB, to, cutOut));
      to.common[cutOut] = requests.commonPrefix(to.order[cutOut - 1], to.order[cutOut], 0);
    } else {
      mergeAtOnce(from, a, endA, b, endB, to, out);
    }
  }

  /** First position of {@code [low, high)} whose request does not sort before the given one. */
  private int firstNotBefore(int request, Run run, int low, int high) {
    int from = low;
    int to = high;
    while (from < to) {
      int middle = (from + to) >>> 1;
      int other = run.order[middle];
      int common = requests.commonPrefix(request, other, 0);
      if (isNotAfter(request, other, common)) {
        to = middle;
      } else {
        from = middle + 1;
      }
    }
    return from;
  }

  private void mergeAtOnce(Run from, int firstA, int endA, int firstB, int endB, Run to, int at) {
    int[] order = from.order;
    int[] commonPrefix = from.common;
    int a = firstA;
    int b = firstB;
    // Common prefix of the last output with the heads of the two runs.
    int commonA = 0;
    int commonB = 0;
    int out = at;
    while (a < endA && b < endB) {
      boolean fromA = commonA > commonB;
      int common = 0;
      boolean compared = commonA == commonB;
      if (compared) {
        common = requests.commonPrefix(order[a], order[b], commonA);
        fromA = isNotAfter(order[a], order[b], common);
      }
      if (fromA) {
        to.order[out] = order[a];
        to.common[out++] = commonA;
        a++;
        commonA = a < endA ? commonPrefix[a] : 0;
        commonB = compared ? common : commonB;
      } else {
        to.order[out] = order[b];
        to.common[out++] = commonB;
        b++;
        commonB = b < endB ? commonPrefix[b] : 0;
        commonA = compared ? common : commonA;
      }
      if ((out & 0xFFF) == 0) {
        pool.check();
      }
    }
    boolean leftA = a < endA;
    int rest = leftA ? a : b;
    int count = leftA ? endA - a : endB - b;
    if (count > 0) {
      System.arraycopy(order, rest, to.order, out, count);
      System.arraycopy(commonPrefix, rest, to.common, out, count);
      to.common[out] = leftA ? commonA : commonB;
    }
  }

  private boolean isNotAfter(int a, int b, int common) {
    int lengthA = requests.promptTokens(a);
    int lengthB = requests.promptTokens(b);
    if (common == lengthA) {
      return true;
    }
    return common != lengthB && requests.token(a, common) < requests.token(b, common);
  }
}
