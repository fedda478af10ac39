package dev.weft.kernels.sampling;

import java.util.Arrays;

/**
 * The most likely tokens of some rows of logits: {@link #ask} says of which rows how many, and who
 * has the logits finds them. The most likely token comes first, equal logits by id with the lowest
 * first; the two zeros are equal, and NaN is more likely than all numbers, so that whoever looks at
 * the first token sees it.
 *
 * <p>Not thread-safe; reused between steps.
 */
public final class TopTokens {
  /** Most tokens of a row that can be asked for. */
  public static final int MOST = 64;

  private final long[] keys = new long[MOST];
  private int[] rows = new int[16];
  private int[] counts = new int[16];

  /** Shape of both: (asked, {@link #MOST}), flat. */
  private int[] tokens = new int[16 * MOST];

  private float[] logits = new float[16 * MOST];
  private int asked;
  private int most;

  public void clear() {
    asked = 0;
    most = 0;
  }

  /**
   * Asks for the most likely tokens of a row.
   *
   * @param count how many, 1 to {@link #MOST} and at most the vocabulary
   * @return place of the answer: how many rows were asked for before
   */
  public int ask(int row, int count) {
    if (count < 1 || count > MOST) {
      throw new IllegalArgumentException(
          count + " most likely tokens of a row; it can be 1 to " + MOST);
    }
    if (asked == rows.length) {
      rows = Arrays.copyOf(rows, 2 * asked);
      counts = Arrays.copyOf(counts, 2 * asked);
      tokens = Arrays.copyOf(tokens, 2 * asked * MOST);
      logits = Arrays.copyOf(logits, 2 * asked * MOST);
    }
    rows[asked] = row;
    counts[asked] = count;
    most = Math.max(most, count);
    return asked++;
  }

  /** Rows that are asked for. */
  public int asked() {
    return asked;
  }

  /** The largest of all counts; 0 if nothing is asked for. */
  public int most() {
    return most;
  }

  public int row(int place) {
    return rows[place];
  }

  public int count(int place) {
    return counts[place];
  }

  /**
   * @param rank 0 for the most likely token
   */
  public int token(int place, int rank) {
    return tokens[place * MOST + rank];
  }

  /** The logit as it is in the row, bit by bit. */
  public float logit(int place, int rank) {
    return logits[place * MOST + rank];
  }

  /** Notes what was found. */
  public void set(int place, int rank, int token, float logit) {
    tokens[place * MOST + rank] = token;
    logits[place * MOST + rank] = logit;
  }

  /** Finds the tokens of a row that begins at {@code row[from]}. */
  public void find(int place, float[] row, int from, int vocabulary) {
    int count = counts[place];
    int found = 0;
    float least = Float.NaN;
    for (int token = 0; token < vocabulary; token++) {
      float logit = row[from + token];
      // Of two equal ones the first has the lower id. False if either is NaN, or none was found.
      if (logit <= least) {
        continue;
      }
      long key = key(logit, token);
      if (found == count && key < keys[count - 1]) {
        continue;
      }
      int at = found < count ? found++ : count - 1;
      while (at > 0 && keys[at - 1] < key) {
        keys[at] = keys[at - 1];
        at--;
      }
      keys[at] = key;
      if (found == count) {
        least = row[from + TokenOrder.token(keys[count - 1])];
      }
    }
    for (int rank = 0; rank < found; rank++) {
      int token = TokenOrder.token(keys[rank]);
      set(place, rank, token, row[from + token]);
    }
  }

  /** That of {@link TokenOrder}, and of NaN one that is above the key of infinity. */
  private static long key(float logit, int token) {
    return Float.isNaN(logit)
        ? (long) Integer.MAX_VALUE << 32 | ~token & 0xFFFFFFFFL
        : TokenOrder.key(logit, token);
  }

  /** Takes over a row that another one has. */
  void add(int row, TopTokens other, int place) {
    int to = ask(row, other.counts[place]);
    System.arraycopy(other.tokens, place * MOST, tokens, to * MOST, MOST);
    System.arraycopy(other.logits, place * MOST, logits, to * MOST, MOST);
  }
}
