package dev.weft.kernels.tokenizer;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/**
 * Finds tokens by a range of a text without making strings: ranges are hashed in constant time from
 * prefix hashes of the text, and a hit is verified by its characters.
 */
final class PieceTable {
  /** Odd, and random: no file can be made whose tokens all fall into one slot. */
  private static final long FACTOR = new SplittableRandom().nextLong() | 1;

  /** Characters of all pieces, one behind the other. */
  private final char[] pieces;

  /** Of token {@code i}, the first character behind its piece. */
  private final int[] ends;

  private final long[] hashes;
  private final int[] tokens;
  private final int mask;
  private final int longest;

  /**
   * @param count tokens
   * @param texts text of each token, always the same; null or empty for those that are not to be
   *     found. Of equal ones the first is found
   */
  PieceTable(int count, IntFunction<String> texts) {
    ends = new int[count];
    int max = 0;
    int end = 0;
    for (int token = 0; token < count; token++) {
      String text = texts.apply(token);
      int length = text == null ? 0 : text.length();
      max = Math.max(max, length);
      end += length;
      ends[token] = end;
    }
    longest = max;
    pieces = new char[end];
    int capacity = SymbolTable.capacity(count);
    mask = capacity - 1;
    hashes = new long[capacity];
    tokens = new int[capacity];
    for (int token = 0; token < count; token++) {
      if (start(token) < ends[token]) {
        String text = texts.apply(token);
        text.getChars(0, text.length(), pieces, start(token));
        insert(token);
      }
    }
  }

  private int start(int token) {
    return token == 0 ? 0 : ends[token - 1];
  }

  private void insert(int token) {
    int from = start(token);
    int to = ends[token];
    long hash = 0;
    for (int i = from; i < to; i++) {
      hash = extend(hash, pieces[i]);
    }
    int slot = slot(hash);
    while (tokens[slot] != 0) {
      int other = tokens[slot] - 1;
      if (hashes[slot] == hash
          && Arrays.equals(pieces, start(other), ends[other], pieces, from, to)) {
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
        if (hashes[slot] == hash && matches(tokens[slot] - 1, from, to)) {
          return tokens[slot] - 1;
        }
      }
      return -1;
    }

    private boolean matches(int token, int from, int to) {
      int at = start(token);
      if (ends[token] - at != to - from) {
        return false;
      }
      for (int i = from; i < to; i++, at++) {
        if (pieces[at] != text.charAt(i)) {
          return false;
        }
      }
      return true;
    }
  }
}
