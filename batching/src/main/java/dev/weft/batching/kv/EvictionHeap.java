package dev.weft.batching.kv;

import java.util.Arrays;

/** Indexed binary min-heap over page ids with a long key each: the smallest key is evicted next. */
final class EvictionHeap {
  private final long[] keys;
  private final int[] heap;

  /** Position of a page in the heap, or -1. */
  private final int[] positions;

  private int size;

  EvictionHeap(int pages) {
    keys = new long[pages];
    heap = new int[pages];
    positions = new int[pages];
    Arrays.fill(positions, -1);
  }

  int size() {
    return size;
  }

  boolean contains(int page) {
    return positions[page] >= 0;
  }

  /** The key a page was last added with. */
  long key(int page) {
    return keys[page];
  }

  void add(int page, long key) {
    keys[page] = key;
    heap[size] = page;
    positions[page] = size;
    up(size++);
  }

  void remove(int page) {
    int hole = positions[page];
    positions[page] = -1;
    int last = heap[--size];
    if (last != page) {
      heap[hole] = last;
      positions[last] = hole;
      up(hole);
      down(positions[last]);
    }
  }

  /** Removes and returns the page with the smallest key; the heap must not be empty. */
  int removeFirst() {
    int page = heap[0];
    remove(page);
    return page;
  }

  private void up(int at) {
    int page = heap[at];
    while (at > 0) {
      int above = (at - 1) >>> 1;
      if (!before(page, heap[above])) {
        break;
      }
      place(heap[above], at);
      at = above;
    }
    place(page, at);
  }

  private void down(int at) {
    int page = heap[at];
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], page)) {
        break;
      }
      place(heap[child], at);
      at = child;
    }
    place(page, at);
  }

  private boolean before(int a, int b) {
    return keys[a] != keys[b] ? keys[a] < keys[b] : a < b;
  }

  private void place(int page, int at) {
    heap[at] = page;
    positions[page] = at;
  }
}
