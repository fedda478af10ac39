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

  /**
   * Adds the next row.
   *
   * @param tokens how many of its most likely tokens are wanted, from 1 on; from more than {@link
   *     TopTokens#MOST} on the whole row is
   */
  public void add(int tokens) {
    if (tokens <= TopTokens.MOST) {
      place(~top.ask(rows, Math.min(tokens, vocabulary)));
    } else {
      reserve();
      place(wholeRows++);
    }
  }

  private void place(int place) {
    if (rows == places.length) {
      places = Arrays.copyOf(places, 2 * rows);
    }
    places[rows++] = place;
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
        place(wholeRows++);
      } else {
        int place = top.asked();
        top.add(rows, other.top, ~other.places[row]);
        place(~place);
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
