package dev.weft.batching.schedule;

import dev.weft.batching.kv.NextUse;
import java.util.BitSet;

/**
 * When the waiting requests of one queue need which prompt page next, by the page's chain hash.
 *
 * <p>For each request and page there is a link to the next request of the plan that needs the page;
 * a table holds the first of each chain. So a request is taken out in the time of its own pages. A
 * hash collision can only make an eviction choice worse, never an answer wrong. Memory: 4 bytes a
 * prompt page, and 12 to 48 bytes a distinct page.
 */
final class PlannedPages {
  private static final int NONE = -1;

  /** By turn: for each prompt page the next turn that needs it, or {@link #NONE}. */
  private final int[][] links;

  private final BitSet taken;

  /** Open addressing; hash 0 is an empty slot. */
  private long[] hashes = new long[64];

  private int[] first = new int[64];
  private int filled;
  private int takenCount;

  /**
   * @param planned requests in planned order, their pages hashed
   */
  PlannedPages(Sequence[] planned) {
    links = new int[planned.length][];
    taken = new BitSet(planned.length);
    for (int turn = planned.length - 1; turn >= 0; turn--) {
      long[] pages = planned[turn].promptHashes;
      int[] next = new int[pages.length];
      for (int i = 0; i < pages.length; i++) {
        int slot = slotOrNew(pages[i]);
        next[i] = first[slot];
        first[slot] = turn;
      }
      links[turn] = next;
    }
  }

  /** Takes note that a request no longer waits. */
  void take(Sequence sequence) {
    taken.set(sequence.turn);
    takenCount++;
    long[] pages = sequence.promptHashes;
    for (int i = 0; i < pages.length; i++) {
      int slot = slot(pages[i]);
      // One that is taken before its turn is skipped when the chain comes to it.
      int turn = first[slot];
      while (turn != NONE && taken.get(turn)) {
        turn = links[turn][i];
      }
      first[slot] = turn;
    }
  }

  /** Requests of this queue to be admitted before one needs the page; {@link NextUse#NEVER}. */
  long turnsUntil(long hash) {
    int slot = slot(hash);
    boolean planned = hashes[slot] == hash && first[slot] != NONE;
    return planned ? Math.max(0, first[slot] - takenCount) : NextUse.NEVER;
  }

  private int slotOrNew(long hash) {
    if (2 * (filled + 1) > hashes.length) {
      grow();
    }
    int slot = slot(hash);
    if (hashes[slot] == 0) {
      hashes[slot] = hash;
      first[slot] = NONE;
      filled++;
    }
    return slot;
  }

  /** The slot of this hash, or the empty slot where it would go. */
  private int slot(long hash) {
    int mask = hashes.length - 1;
    int slot = (int) (hash ^ (hash >>> 32)) & mask;
    while (hashes[slot] != hash && hashes[slot] != 0) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] oldHashes = hashes;
    int[] oldFirst = first;
    hashes = new long[Math.multiplyExact(oldHashes.length, 2)];
    first = new int[hashes.length];
    for (int i = 0; i < oldHashes.length; i++) {
      if (oldHashes[i] != 0) {
        int slot = slot(oldHashes[i]);
        hashes[slot] = oldHashes[i];
        first[slot] = oldFirst[i];
      }
    }
  }
}
