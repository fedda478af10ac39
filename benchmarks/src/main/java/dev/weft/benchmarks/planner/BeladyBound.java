package dev.weft.benchmarks.planner;

import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.RequestSet;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * How many page accesses of an order an optimal cache of a given size can serve: Belady's MIN
 * (1966) with bypass, which knows all future accesses and may leave a page out of the cache. A
 * bound for every engine: the cache has all KV memory for itself, and a page counts as found even
 * if a page before it in its prompt is not.
 *
 * <p>Orders of two sides are taken as the plan merges them; the scheduler may interleave the sides
 * otherwise, so for those the bound is close, not strict.
 */
final class BeladyBound {
  private static final int NEVER = Integer.MAX_VALUE;

  /** Page at each access, in the order of the requests. */
  private final int[] accesses;

  /** Index of the next access to the same page. */
  private final int[] next;

  /** Accesses that only write: a page that holds the last prompt token is always computed. */
  private final BitSet writes;

  private final int pages;

  private BeladyBound(int[] accesses, BitSet writes, int pages) {
    this.accesses = accesses;
    this.writes = writes;
    this.pages = pages;
    next = new int[accesses.length];
    int[] after = new int[pages];
    Arrays.fill(after, NEVER);
    for (int i = accesses.length - 1; i >= 0; i--) {
      next[i] = after[accesses[i]];
      after[accesses[i]] = i;
    }
  }

  /**
   * The accesses of an order: all full pages of each prompt. One that holds the last prompt token
   * cannot count as found, since that token's logits are needed, but others find it later.
   */
  static BeladyBound of(RequestSet requests, PlannedOrder order, int pageTokens) {
    long total = 0;
    for (int i = 0; i < requests.size(); i++) {
      total += requests.promptTokens(i) / pageTokens;
    }
    int[] accesses = new int[Math.toIntExact(total)];
    BitSet writes = new BitSet();
    Map<Long, Integer> numbers = new HashMap<>();
    int at = 0;
    for (int i = 0; i < order.size(); i++) {
      int[] prompt = requests.prompt(order.request(i));
      long hash = PrefixCache.EMPTY_HASH;
      for (int page = 0; page < prompt.length / pageTokens; page++) {
        hash = PrefixCache.chainHash(hash, prompt, page * pageTokens, pageTokens);
        writes.set(at, (page + 1) * pageTokens == prompt.length);
        accesses[at++] = numbers.computeIfAbsent(hash, key -> numbers.size());
      }
    }
    return new BeladyBound(accesses, writes, numbers.size());
  }

  static BeladyBound of(int[] accesses) {
    return new BeladyBound(accesses, new BitSet(), Arrays.stream(accesses).max().orElse(-1) + 1);
  }

  /** Most accesses that a cache of that many pages can find. */
  long hits(int capacity) {
    if (capacity < 1) {
      return 0;
    }
    // Cached pages by their next access, the farthest first. Entries of accesses that have come are
    // stale; they are the nearest ones and never get to the top while a live one is there.
    int[] heap = new int[accesses.length];
    int heapSize = 0;
    boolean[] cached = new boolean[pages];
    int size = 0;
    long hits = 0;
    for (int i = 0; i < accesses.length; i++) {
      int page = accesses[i];
      boolean hit = cached[page];
      if (hit) {
        hits += writes.get(i) ? 0 : 1;
        size--;
        cached[page] = false;
      }
      if (next[i] == NEVER) {
        continue;
      }
      if (size == capacity) {
        if (heap[0] <= next[i]) {
          continue;
        }
        cached[accesses[heap[0]]] = false;
        size--;
        heapSize = removeFirst(heap, heapSize);
      }
      cached[page] = true;
      size++;
      heapSize = add(heap, heapSize, next[i]);
    }
    return hits;
  }

  private static int add(int[] heap, int size, int value) {
    int at = size;
    while (at > 0 && heap[(at - 1) >>> 1] < value) {
      heap[at] = heap[(at - 1) >>> 1];
      at = (at - 1) >>> 1;
    }
    heap[at] = value;
    return size + 1;
  }

  private static int removeFirst(int[] heap, int size) {
    int last = heap[size - 1];
    int at = 0;
    int child = 1;
    while (child < size - 1) {
      if (child + 1 < size - 1 && heap[child + 1] > heap[child]) {
        child++;
      }
      if (heap[child] <= last) {
        break;
      }
      heap[at] = heap[child];
      at = child;
      child = 2 * at + 1;
    }
    heap[at] = last;
    return size - 1;
  }
}
