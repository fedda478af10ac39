package dev.weft.batching.kv;

/**
 * How many requests that are planned but not yet admitted need a page, by the page's chain hash.
 * Open addressing, no boxing. A hash collision can only make an eviction choice worse, never an
 * answer wrong.
 */
final class PlannedUse {
  private long[] hashes = new long[64];
  private int[] counts = new int[64];
  private int filled;

  /** Adds {@code delta} to the count of a page. */
  void add(long hash, int delta) {
    if (2 * (filled + 1) > hashes.length) {
      rehash();
    }
    int slot = slot(hash);
    if (counts[slot] == 0 && hashes[slot] != hash) {
      hashes[slot] = hash;
      filled++;
    }
    counts[slot] = Math.max(0, counts[slot] + delta);
  }

  int count(long hash) {
    int slot = slot(hash);
    return hashes[slot] == hash ? counts[slot] : 0;
  }

  /** The slot of this hash, or the empty slot (hash 0) where it would go. */
  private int slot(long hash) {
    int mask = hashes.length - 1;
    int slot = (int) (hash ^ (hash >>> 32)) & mask;
    while (hashes[slot] != hash && hashes[slot] != 0) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Drops what nobody needs any more; grows only if that leaves more than a quarter filled. */
  private void rehash() {
    long[] oldHashes = hashes;
    int[] oldCounts = counts;
    int live = 0;
    for (int count : oldCounts) {
      live += count > 0 ? 1 : 0;
    }
    int capacity = oldHashes.length;
    while (4L * (live + 1) > capacity) {
      capacity = Math.multiplyExact(capacity, 2);
    }
    hashes = new long[capacity];
    counts = new int[capacity];
    filled = 0;
    for (int i = 0; i < oldCounts.length; i++) {
      if (oldCounts[i] > 0) {
        int slot = slot(oldHashes[i]);
        hashes[slot] = oldHashes[i];
        counts[slot] = oldCounts[i];
        filled++;
      }
    }
  }
}
