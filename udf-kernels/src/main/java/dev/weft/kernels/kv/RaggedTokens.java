package dev.weft.kernels.kv;

import java.util.Arrays;

/**
 * The positions and page tables of the tokens of one step: sequences of any lengths, one after the
 * other. Flat, growing arrays that are reused between steps; adding allocates nothing once they are
 * large enough. Not thread-safe while it changes.
 */
public final class RaggedTokens {
  private int sequences;
  private int[] firstToken = new int[17];
  private int[][] pages = new int[16][];
  private int[] positions = new int[64];
  private long revision;

  public void clear() {
    Arrays.fill(pages, 0, sequences, null);
    sequences = 0;
    firstToken[0] = 0;
    revision++;
  }

  /**
   * Starts the next sequence.
   *
   * @param pages page ids of the sequence from position 0 on; kept by reference until {@link
   *     #clear}
   */
  public void beginSequence(int[] pages) {
    if (sequences + 1 == firstToken.length) {
      firstToken = Arrays.copyOf(firstToken, firstToken.length * 2);
      this.pages = Arrays.copyOf(this.pages, firstToken.length);
    }
    this.pages[sequences++] = pages;
    revision++;
    firstToken[sequences] = firstToken[sequences - 1];
  }

  /**
   * Adds the next token of the sequence begun last.
   *
   * @param position place in the sequence, from 0; follows the one before within this step
   * @return index of the token in this step
   */
  public int addToken(int position) {
    if (sequences == 0) {
      throw new IllegalStateException("beginSequence comes before addToken");
    }
    int index = firstToken[sequences];
    int[] table = pages[sequences - 1];
    if (position < 0 || position / KvConfig.PAGE_TOKENS >= table.length) {
      throw new IllegalArgumentException(
          "position " + position + " has no page; the sequence has " + table.length + " pages");
    }
    if (index > firstToken[sequences - 1] && position != positions[index - 1] + 1) {
      throw new IllegalArgumentException(
          "position " + position + " follows " + positions[index - 1] + " in one step");
    }
    if (index == positions.length) {
      positions = Arrays.copyOf(positions, index * 2);
    }
    positions[index] = position;
    firstToken[sequences] = index + 1;
    revision++;
    return index;
  }

  /** Another number after each change. */
  public long revision() {
    return revision;
  }

  public int tokens() {
    return firstToken[sequences];
  }

  public int sequences() {
    return sequences;
  }

  /** Index of the first token of a sequence; for {@code sequences()} the number of all tokens. */
  public int firstToken(int sequence) {
    return firstToken[sequence];
  }

  public int position(int token) {
    return positions[token];
  }

  /** Page ids of a sequence, from position 0 on. */
  public int[] pages(int sequence) {
    return pages[sequence];
  }

  /** The sequence that a token of the step belongs to. */
  public int sequenceOf(int token) {
    int low = 0;
    int high = sequences - 1;
    while (low < high) {
      int middle = (low + high + 1) / 2;
      if (firstToken[middle] <= token) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** Largest position of the step, or -1. */
  public int maxPosition() {
    int max = -1;
    for (int s = 0; s < sequences; s++) {
      if (firstToken[s + 1] > firstToken[s]) {
        max = Math.max(max, positions[firstToken[s + 1] - 1]);
      }
    }
    return max;
  }

  /**
   * Checks the page ids that the step reads or writes.
   *
   * @throws IllegalArgumentException if one is not below {@code pageCount}
   */
  public void checkPages(int pageCount) {
    for (int s = 0; s < sequences; s++) {
      if (firstToken[s + 1] == firstToken[s]) {
        continue;
      }
      int last = positions[firstToken[s + 1] - 1] / KvConfig.PAGE_TOKENS;
      for (int p = 0; p <= last; p++) {
        int page = pages[s][p];
        if (page < 0 || page >= pageCount) {
          throw new IllegalArgumentException(
              "page " + page + " of sequence " + s + " is not below " + pageCount);
        }
      }
    }
  }
}
