package dev.weft.kernels.sampling;

import java.util.Arrays;

/**
 * Logits of the rows of a step: of each row all of them, or its most likely tokens only. Reused
 * between steps, not thread-safe.
 */
public final class LogitRows {
  private final int vocabulary;
  private final TopTokens top = new TopTokens();

  /** Of each row its place among whole rows, or the complement of its place in {@link #top}. */
  private int[] places = new int[16];

  /** Of each row what {@link #add} was told. */
  private double[] spans = new double[16];

  private int rows;

  /** Shape (whole rows, vocabulary), flat. */
  private float[] whole = {};

  private int wholeRows;

  public LogitRows(int vocabulary) {
    this.vocabulary = vocabulary;
  }

  public void clear() {
    top.clear();
    rows = 0;
    wholeRows = 0;
  }

  public int rows() {
    return rows;
  }

  /** Adds the next row, of which so many tokens are enough whatever their logits. */
  public void add(int tokens) {
    add(tokens, SamplingParams.NO_SPAN);
  }

  /**
   * Adds the next row.
   *
   * @param tokens how many of its most likely tokens are wanted, from 1 on; from more than {@link
   *     TopTokens#MOST} on the whole row is
   * @param span the whole row is wanted too if the last of these tokens is at most that far below
   *     the first; {@link SamplingParams#NO_SPAN} if not
   */
  public void add(int tokens, double span) {
    if (tokens <= TopTokens.MOST) {
      place(~top.ask(rows, Math.min(tokens, vocabulary)), span);
    } else {
      reserve();
      place(wholeRows++, span);
    }
  }

  private void place(int place, double span) {
    if (rows == places.length) {
      places = Arrays.copyOf(places, 2 * rows);
      spans = Arrays.copyOf(spans, 2 * rows);
    }
    spans[rows] = span;
    places[rows++] = place;
  }

  /** Once the most likely tokens are found: makes rows whole of which more tokens count. */
  public void widen() {
    for (int row = 0; row < rows; row++) {
      if (!isWhole(row) && !isEnough(~places[row], spans[row])) {
        reserve();
        places[row] = wholeRows++;
      }
    }
  }

  /** A row without a largest number is not drawn from, so that any part of it is enough. */
  private boolean isEnough(int place, double span) {
    int count = top.count(place);
    double below = (double) top.logit(place, 0) - top.logit(place, count - 1);
    return count == vocabulary || !(below <= span);
  }

  private void reserve() {
    int needed = Math.multiplyExact(wholeRows + 1, vocabulary);
    if (whole.length < needed) {
      whole = Arrays.copyOf(whole, Math.max(needed, (int) Math.min(2L * whole.length, 1 << 30)));
    }
  }

  public boolean isWhole(int row) {
    return places[row] >= 0;
  }

  /** Logits of whole rows; {@link #begin} says where. */
  public float[] whole() {
    return whole;
  }

  /** Where the logits of a whole row begin. */
  public int begin(int row) {
    return places[row] * vocabulary;
  }

  /** Rows of which the most likely tokens are wanted; to be filled. */
  public TopTokens top() {
    return top;
  }

  /** Adds the rows of another one, with what is in them. */
  public void addAll(LogitRows other) {
    for (int row = 0; row < other.rows; row++) {
      if (other.isWhole(row)) {
        reserve();
        System.arraycopy(other.whole, other.begin(row), whole, wholeRows * vocabulary, vocabulary);
        place(wholeRows++, other.spans[row]);
      } else {
        int place = top.asked();
        top.add(rows, other.top, ~other.places[row]);
        place(~place, other.spans[row]);
      }
    }
  }

  /**
   * Gives a row to a sampler.
   *
   * @return as {@link Sampler#load(float[], int)}
   */
  public boolean load(int row, Sampler sampler) {
    return isWhole(row) ? sampler.load(whole, places[row]) : sampler.load(top, ~places[row]);
  }
}
