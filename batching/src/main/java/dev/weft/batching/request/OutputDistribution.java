package dev.weft.batching.request;

import java.util.Arrays;

/**
 * How long an output may become, as a table of quantiles: up to {@link #MOST_POINTS} lengths of
 * equal probability, ascending. Requests with the same sampled relatives share one; what depends on
 * a request is only its maximum, at which lengths are cut.
 */
public final class OutputDistribution {
  /** Lengths of a table at most. */
  public static final int MOST_POINTS = 16;

  private final int[] points;

  private OutputDistribution(int[] points) {
    this.points = points;
  }

  /**
   * The distribution of sampled lengths: they are cut into {@link #MOST_POINTS} parts of equal
   * number, and each part is stood for by its mean.
   *
   * @param ascending sampled lengths in ascending order, at least one
   */
  public static OutputDistribution ofSamples(int[] ascending) {
    if (ascending.length == 0) {
      throw new IllegalArgumentException("a distribution needs at least one length");
    }
    int[] points = new int[Math.min(MOST_POINTS, ascending.length)];
    for (int i = 0; i < points.length; i++) {
      int from = (int) ((long) ascending.length * i / points.length);
      int to = (int) ((long) ascending.length * (i + 1) / points.length);
      long sum = 0;
      for (int s = from; s < to; s++) {
        sum += ascending[s];
      }
      points[i] = (int) Math.round((double) sum / (to - from));
    }
    return new OutputDistribution(points);
  }

  /**
   * A table as {@link #points} gave it.
   *
   * @param points at least one length of at least 0, ascending
   */
  public static OutputDistribution ofPoints(int[] points) {
    for (int i = 0; i < points.length; i++) {
      if (points[i] < (i == 0 ? 0 : points[i - 1])) {
        throw new IllegalArgumentException(
            "lengths must ascend from 0, got " + Arrays.toString(points));
      }
    }
    if (points.length == 0 || points.length > MOST_POINTS) {
      throw new IllegalArgumentException(
          "a table has 1 to " + MOST_POINTS + " lengths, got " + points.length);
    }
    return new OutputDistribution(points.clone());
  }

  /** A length that is certain. */
  public static OutputDistribution certain(int tokens) {
    return ofPoints(new int[] {tokens});
  }

  /** A copy of the lengths of the table, ascending. */
  public int[] points() {
    return points.clone();
  }

  /** {@code E[min(d, max)]}. */
  public double mean(int max) {
    return mean(0, max, false);
  }

  /** {@code E[min(d, max)^2]}. */
  public double meanSquare(int max) {
    return mean(0, max, true);
  }

  /**
   * {@code E[min(d, max) | d > generated]}; {@code NaN} if no length of the table is as long.
   *
   * @param max at least {@code generated}
   */
  public double meanBeyond(int generated, int max) {
    return mean(firstBeyond(generated), max, false);
  }

  /** {@code E[min(d, max)^2 | d > generated]}; see {@link #meanBeyond}. */
  public double meanSquareBeyond(int generated, int max) {
    return mean(firstBeyond(generated), max, true);
  }

  /** Index of the first length of more than {@code generated} tokens; {@link #size} if none is. */
  public int firstBeyond(int generated) {
    int at = 0;
    while (at < points.length && points[at] <= generated) {
      at++;
    }
    return at;
  }

  /** Number of lengths. */
  public int size() {
    return points.length;
  }

  /** The length at an index, ascending. */
  public int point(int index) {
    return points[index];
  }

  /** Over the lengths from an index on; {@code NaN} over none. */
  private double mean(int from, int max, boolean square) {
    double sum = 0;
    for (int i = from; i < points.length; i++) {
      double d = Math.min(points[i], max);
      sum += square ? d * d : d;
    }
    return sum / (points.length - from);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof OutputDistribution that && Arrays.equals(points, that.points);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(points);
  }

  @Override
  public String toString() {
    return Arrays.toString(points);
  }
}
