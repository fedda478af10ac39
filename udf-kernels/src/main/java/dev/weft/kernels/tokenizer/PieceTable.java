package dev.weft.kernels.tokenizer;

import java.util.SplittableRandom;

/**
 * Finds tokens by a range of a text without making strings: ranges are hashed in constant time from
 * prefix hashes of the text, and a hit is verified by its characters.
 */
final class PieceTable {
  /** Odd, and random: no file can be made whose tokens all fall into one slot. */
  private static final long FACTOR = new SplittableRandom().nextLong() | 1;

  private final String[] pieces;
  private final long[] hashes;
  private final int[] tokens;
  private final int mask;
  private final int longest;

  /**
   * @param pieces text of each token; null or empty for those that are not to be found. Of equal
   *     ones the first is found
   */
  PieceTable(String[] pieces) {
    this.pieces = pieces;
    int capacity = Integer.highestOneBit(Math.max(8, pieces.length)) * 4;
    mask = capacity - 1;
    hashes = new long[capacity];
    tokens = new int[capacity];
    int max = 0;
    for (int token = 0; token < pieces.length; token++) {
      if (pieces[token] != null && !pieces[token].isEmpty()) {
        max = Math.max(max, pieces[token].length());
        insert(token);
      }
    }
    longest = max;
  }

  private void insert(int token) {
    String piece = pieces[token];
    long hash = 0;
    for (int i = 0; i < piece.length(); i++) {
      hash = extend(hash, piece.charAt(i));
    }
    int slot = slot(hash);
    while (tokens[slot] != 0) {
      if (hashes[slot] == hash && pieces[tokens[slot] - 1].equals(piece)) {
        return;
      }
      slot = (slot + 1) & mask;
    }
    hashes[slot] = hash;
    tokens[slot] = token + 1;
  }

  private static long extend(long hash, char c) {
    return hash * FACTOR + c + 1;
  }

  private int slot(long hash) {
    return (int) (hash ^ hash >>> 32) & mask;
  }

  /** A text made ready for looking up its ranges. */
  Prepared prepare(String text) {
    return new Prepared(text);
  }

  /** A text and its prefix hashes. */
  final class Prepared {
    private final String text;
    private final long[] prefix;
    private final long[] powers;

    private Prepared(String text) {
      this.text = text;
      prefix = new long[text.length() + 1];
      for (int i = 0; i < text.length(); i++) {
        prefix[i + 1] = extend(prefix[i], text.charAt(i));
      }
      powers = new long[Math.min(longest, text.length()) + 1];
      powers[0] = 1;
      for (int i = 1; i < powers.length; i++) {
        powers[i] = powers[i - 1] * FACTOR;
      }
    }

    /** The token of the characters {@code from .. to}, or -1. */
    int find(int from, int to) {
      int length = to - from;
      if (length > longest) {
        return -1;
      }
      long hash = prefix[to] - prefix[from] * powers[length];
      for (int slot = slot(hash); tokens[slot] != 0; slot = (slot + 1) & mask) {
        if (hashes[slot] == hash) {
          String piece = pieces[tokens[slot] - 1];
          if (piece.length() == length && text.startsWith(piece, from)) {
            return tokens[slot] - 1;
          }
        }
      }
      return -1;
    }
  }
}
