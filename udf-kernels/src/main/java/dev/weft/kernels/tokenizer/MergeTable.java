package dev.weft.kernels.tokenizer;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Merges by the ids of their two symbols, in an open hash table. */
final class MergeTable {
  /** Most merges of a file; Gemma's have 514,906. */
  static final int MAX_MERGES = 1 << 19;

  /** Odd, and random: no file can be made whose merges all fall into one slot. */
  private static final long FACTOR = new SplittableRandom().nextLong() | 1;

  private final long[] pairs;
  private final long[] merges;
  private final int mask;

  MergeTable(int count) {
    int capacity = SymbolTable.capacity(count);
    mask = capacity - 1;
    pairs = new long[capacity];
    merges = new long[capacity];
    Arrays.fill(merges, Merger.Pairs.NONE);
  }

  /** Adds a merge; of the same pair the first one stays. */
  void add(int left, int right, int rank, int merged) {
    long pair = (long) left << 32 | right;
    int slot = slot(pair);
    while (merges[slot] != Merger.Pairs.NONE) {
      if (pairs[slot] == pair) {
        return;
      }
      slot = (slot + 1) & mask;
    }
    pairs[slot] = pair;
    merges[slot] = (long) rank << 32 | merged;
  }

  /** {@code rank << 32 | merged id}, or {@link Merger.Pairs#NONE}. */
  long find(int left, int right) {
    long pair = (long) left << 32 | right;
    int slot = slot(pair);
    while (merges[slot] != Merger.Pairs.NONE && pairs[slot] != pair) {
      slot = (slot + 1) & mask;
    }
    return merges[slot];
  }

  private int slot(long pair) {
    return (int) (pair * FACTOR >>> 32) & mask;
  }
}
