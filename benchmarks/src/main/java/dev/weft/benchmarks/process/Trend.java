package dev.weft.benchmarks.process;

import java.util.Arrays;

/** Whether values that were taken one after the other grow. */
public final class Trend {
  private Trend() {}

  /** Median of the slopes between all pairs (Theil 1950, Sen 1968): outliers do not move it. */
  public static double slope(double[] values) {
    int pairs = values.length * (values.length - 1) / 2;
    if (pairs == 0) {
      return 0;
    }
    double[] slopes = new double[pairs];
    int k = 0;
    for (int i = 0; i < values.length; i++) {
      for (int j = i + 1; j < values.length; j++) {
        slopes[k++] = (values[j] - values[i]) / (j - i);
      }
    }
    return median(slopes);
  }

  /** The upper of the two in the middle; 0 without values. */
  public static double median(double[] values) {
    if (values.length == 0) {
      return 0;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
