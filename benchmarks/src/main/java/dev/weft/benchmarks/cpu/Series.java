package dev.weft.benchmarks.cpu;

import java.util.Arrays;

/** Values of one measure over the repetitions of a run, in the order taken. */
record Series(double[] values) {
  Series {
    if (values.length == 0) {
      throw new IllegalArgumentException("a series without values");
    }
  }

  static Series of(double value) {
    return new Series(new double[] {value});
  }

  double median() {
    double[] sorted = sorted();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Half the distance between the quartiles over the median. */
  double spread() {
    double[] sorted = sorted();
    return (sorted[sorted.length * 3 / 4] - sorted[sorted.length / 4]) / (2 * median());
  }

  private double[] sorted() {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }
}
