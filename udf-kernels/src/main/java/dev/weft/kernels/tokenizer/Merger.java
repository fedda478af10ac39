package dev.weft.kernels.tokenizer;

import java.util.Arrays;

/**
 * Merges neighbouring symbols, the best pair of the whole sequence first, the leftmost of equals,
 * until no pair can be merged. O(n log n) for n symbols, with arrays that are used again for the
 * next sequence. One for each thread.
 */
final class Merger {
  /** Which pairs can be merged. */
  @FunctionalInterface
  interface Pairs {
    /** No merge. */
    long NONE = -1;

    /**
     * The merge of two neighbours.
     *
     * @param left index of the left symbol
     * @param right index of the right one
     * @param end index of the symbol after the right one, or the number of symbols
     * @return {@code priority << 32 | id} of the merged symbol, lower priorities first and not
     *     negative; or {@link #NONE}
     */
    long find(int left, int right, int end);
  }

  /** Id of each symbol, by index of its first part; the caller fills in those to begin with. */
  int[] ids = new int[64];

  private int[] next = new int[64];
  private int[] previous = new int[64];
  private long[] found = new long[64];
  private long[] heap = new long[128];
  private int heapSize;

  /** Makes room for {@code count} symbols. */
  void reserve(int count) {
    if (ids.length < count) {
      int capacity = Math.max(count, ids.length * 2);
      ids = new int[capacity];
      next = new int[capacity];
      previous = new int[capacity];
      found = new long[capacity];
    }
  }

  /** Merges the symbols {@code 0 .. count}. */
  void run(int count, Pairs pairs) {
    heapSize = 0;
    for (int i = 0; i < count; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (int i = 0; i < count; i++) {
      look(i, count, pairs);
    }
    while (heapSize > 0) {
      long top = pop();
      int left = (int) top;
      // A pair that has changed since it was queued was queued again with what it is now.
      if (found[left] < 0 || found[left] >>> 32 != top >>> 32) {
        continue;
      }
      int right = next[left];
      ids[left] = (int) found[left];
      found[right] = Pairs.NONE;
      next[left] = next[right];
      if (next[left] < count) {
        previous[next[left]] = left;
      }
      look(left, count, pairs);
      if (previous[left] >= 0) {
        look(previous[left], count, pairs);
      }
    }
  }

  /** Index of the symbol after {@code index}, or the number of symbols. */
  int next(int index) {
    return next[index];
  }

  private void look(int left, int count, Pairs pairs) {
    int right = next[left];
    long merge = right < count ? pairs.find(left, right, next[right]) : Pairs.NONE;
    found[left] = merge;
    if (merge >= 0) {
      push(merge & 0xFFFFFFFF00000000L | left);
    }
  }

  private void push(long key) {
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, heapSize * 2);
    }
    int at = heapSize++;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (heap[parent] <= key) {
        break;
      }
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = key;
  }

  private long pop() {
    long top = heap[0];
    long last = heap[--heapSize];
    int at = 0;
    for (int child = 1; child < heapSize; child = 2 * at + 1) {
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (last <= heap[child]) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
