package dev.weft.benchmarks.measure;

import java.util.Arrays;

/** Values of one measure over the repetitions of a run, in the order taken. */
public record Series(double[] values) {
  public Series {
    if (values.length == 0) {
      throw new IllegalArgumentException("a series without values");
    }
  }

  public static Series of(double value) {
    return new Series(new double[] {value});
  }

  public double median() {
    double[] sorted = sorted();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Half the distance between the quartiles over the median. */
  public double spread() {
    double[] sorted = sorted();
    return (sorted[sorted.length * 3 / 4] - sorted[sorted.length / 4]) / (2 * Math.abs(median()));
  }

  /** Its values times a factor. */
  public Series times(double factor) {
    return new Series(Arrays.stream(values).map(v -> v * factor).toArray());
  }

  private double[] sorted() {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }
}
