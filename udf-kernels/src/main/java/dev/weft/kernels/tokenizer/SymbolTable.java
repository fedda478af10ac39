package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Ids of the symbols of byte-level BPE while a file is read: those of ordinary tokens, and above
 * them those of merged symbols that are no tokens. An open hash table of ids; the strings lie in
 * the vocabulary and in {@link #intermediates}.
 */
public final class SymbolTable {
  /** Odd, and random: no file can be made whose symbols all fall into one slot. */
  private static final long FACTOR = new SplittableRandom().nextLong() | 1;

  private final ByteStrings tokens;
  private final ByteStrings.Builder more = new ByteStrings.Builder(0, 0);

  /** Id and one; 0 where a slot is free. */
  private int[] slots;

  private int used;

  /** No symbol is known; those of {@code tokens} are added one by one. */
  public SymbolTable(ByteStrings tokens) {
    this.tokens = tokens;
    slots = new int[capacity(tokens.size())];
  }

  /** The power of two that {@code count} symbols fill by half at most. */
  static int capacity(int count) {
    return Math.max(16, Integer.highestOneBit(2 * count - 1) << 1);
  }

  /** Adds a token; of equal ones the first stays. */
  void addToken(int token) {
    int slot = slot(tokens.utf8(), tokens.start(token), tokens.end(token));
    if (slots[slot] == 0) {
      put(slot, token);
    }
  }

  /** The token of a symbol, or -1. */
  public int token(String symbol) {
    byte[] bytes = symbol.getBytes(UTF_8);
    return slots[slot(bytes, 0, bytes.length)] - 1;
  }

  /** The id of a symbol; a new one if it has none. */
  public int id(String symbol) {
    byte[] bytes = symbol.getBytes(UTF_8);
    return id(bytes, 0, bytes.length);
  }

  /** The symbol of an id. */
  public String symbol(int id) {
    return id < tokens.size() ? tokens.get(id) : more.get(id - tokens.size());
  }

  /** The id of the symbol {@code utf8[from .. to)}; a new one if it has none. */
  int id(byte[] utf8, int from, int to) {
    int slot = slot(utf8, from, to);
    if (slots[slot] == 0) {
      more.add(utf8, from, to);
      put(slot, tokens.size() + more.size() - 1);
      return tokens.size() + more.size() - 1;
    }
    return slots[slot] - 1;
  }

  /** The symbols that are no tokens, in the order of their ids; the table is of no use any more. */
  ByteStrings intermediates() {
    return more.build();
  }

  private void put(int slot, int id) {
    slots[slot] = id + 1;
    if (2 * ++used > slots.length) {
      int[] old = slots;
      slots = new int[2 * old.length];
      for (int entry : old) {
        if (entry != 0) {
          slots[free(hash(entry - 1))] = entry;
        }
      }
    }
  }

  /** The slot of an equal symbol, or the free one where it belongs. */
  private int slot(byte[] utf8, int from, int to) {
    int slot = first(hash(utf8, from, to));
    while (slots[slot] != 0 && !equal(slots[slot] - 1, utf8, from, to)) {
      slot = next(slot);
    }
    return slot;
  }

  private int free(long hash) {
    int slot = first(hash);
    while (slots[slot] != 0) {
      slot = next(slot);
    }
    return slot;
  }

  private int first(long hash) {
    return (int) (hash ^ hash >>> 32) & slots.length - 1;
  }

  private int next(int slot) {
    return slot + 1 & slots.length - 1;
  }

  private boolean equal(int id, byte[] utf8, int from, int to) {
    return id < tokens.size()
        ? Arrays.equals(tokens.utf8(), tokens.start(id), tokens.end(id), utf8, from, to)
        : more.equals(id - tokens.size(), utf8, from, to);
  }

  private long hash(int id) {
    return id < tokens.size()
        ? hash(tokens.utf8(), tokens.start(id), tokens.end(id))
        : more.hash(id - tokens.size());
  }

  /** Polynomial of the bytes over a random factor. */
  static long hash(byte[] utf8, int from, int to) {
    long hash = 0;
    for (int i = from; i < to; i++) {
      hash = hash * FACTOR + utf8[i] + 129;
    }
    return hash;
  }
}
