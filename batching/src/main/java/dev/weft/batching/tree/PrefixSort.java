package dev.weft.batching.tree;

import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;

/**
 * Sorts requests by their prompts, lexicographically by token id, a prefix before its extensions
 * and equal prompts by request number, and yields the longest common prefix of neighbours.
 *
 * <p>A bottom-up merge sort that carries the common prefixes along (LCP merge sort, Ng and Kakehi
 * 2008): a comparison starts where the two prompts are known to agree, so every shared token is
 * looked at about once. O(n log n + distinguishing tokens), no recursion, 16 bytes a request.
 */
final class PrefixSort {
  private final RequestSet requests;

  /** Request at each sorted position. */
  int[] order;

  /** Common prefix with the request before it in the order; 0 at position 0. */
  int[] commonPrefix;

  private int[] nextOrder;
  private int[] nextCommon;

  PrefixSort(RequestSet requests) {
    this.requests = requests;
    int n = requests.size();
    order = new int[n];
    commonPrefix = new int[n];
    nextOrder = new int[n];
    nextCommon = new int[n];
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    for (long width = 1; width < n; width *= 2) {
      for (long low = 0; low < n; low += 2 * width) {
        merge((int) low, (int) Math.min(low + width, n), (int) Math.min(low + 2 * width, n));
      }
      swap();
    }
    nextOrder = null;
    nextCommon = null;
  }

  /** Merges the sorted runs {@code [low, middle)} and {@code [middle, high)}. */
  private void merge(int low, int middle, int high) {
    PlanningInterruptedException.check();
    int a = low;
    int b = middle;
    // Common prefix of the last output with the heads of the two runs.
    int commonA = 0;
    int commonB = 0;
    for (int out = low; out < high; out++) {
      boolean fromA;
      if (b >= high) {
        fromA = true;
      } else if (a >= middle) {
        fromA = false;
      } else if (commonA != commonB) {
        fromA = commonA > commonB;
      } else {
        int requestA = order[a];
        int requestB = order[b];
        int common = requests.commonPrefix(requestA, requestB, commonA);
        fromA = isNotAfter(requestA, requestB, common);
        if (fromA) {
          emit(out, a++, commonA);
          commonA = a < middle ? commonPrefix[a] : 0;
          commonB = common;
        } else {
          emit(out, b++, commonB);
          commonB = b < high ? commonPrefix[b] : 0;
          commonA = common;
        }
        continue;
      }
      if (fromA) {
        emit(out, a++, commonA);
        commonA = a < middle ? commonPrefix[a] : 0;
      } else {
        emit(out, b++, commonB);
        commonB = b < high ? commonPrefix[b] : 0;
      }
    }
  }

  private void emit(int out, int from, int common) {
    nextOrder[out] = order[from];
    nextCommon[out] = common;
  }

  private boolean isNotAfter(int a, int b, int common) {
    int lengthA = requests.promptTokens(a);
    int lengthB = requests.promptTokens(b);
    if (common == lengthA) {
      return true;
    }
    return common != lengthB && requests.token(a, common) < requests.token(b, common);
  }

  private void swap() {
    int[] order = this.order;
    this.order = nextOrder;
    nextOrder = order;
    int[] common = commonPrefix;
    commonPrefix = nextCommon;
    nextCommon = common;
  }
}
