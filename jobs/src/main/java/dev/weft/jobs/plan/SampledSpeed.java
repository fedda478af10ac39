package dev.weft.jobs.plan;

import static org.apache.spark.sql.functions.col;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * How much longer the steps of a job's sample took than the calibration says.
 *
 * @param factor real over predicted seconds, the median over the predicted time, so that the first
 *     steps of a cold process and single interrupted ones have no say
 * @param steps steps it was found from
 */
public record SampledSpeed(double factor, int steps) {
  /** Fewer tell nothing. */
  private static final int LEAST_STEPS = 20;

  private static final int MOST_STEPS = 50_000;

  /** The correction that the steps of a start ask for; empty if there are too few. */
  public static Optional<SampledSpeed> of(Dataset<Row> steps, int start) {
    List<Row> rows =
        steps
            .where(col("start").equalTo(start).and(col("predicted_seconds").gt(0)))
            .select("predicted_seconds", "seconds")
            .limit(MOST_STEPS)
            .collectAsList();
    return of(
        rows.stream().mapToDouble(r -> r.getDouble(0)).toArray(),
        rows.stream().mapToDouble(r -> r.getDouble(1)).toArray());
  }

  static Optional<SampledSpeed> of(double[] predicted, double[] real) {
    int n = predicted.length;
    if (n < LEAST_STEPS) {
      return Optional.empty();
    }
    Integer[] byRatio = new Integer[n];
    Arrays.setAll(byRatio, i -> i);
    Arrays.sort(byRatio, Comparator.comparingDouble(i -> real[i] / predicted[i]));
    double half = Arrays.stream(predicted).sum() / 2;
    double sum = 0;
    int at = 0;
    while (sum + predicted[byRatio[at]] < half) {
      sum += predicted[byRatio[at++]];
    }
    return Optional.of(new SampledSpeed(real[byRatio[at]] / predicted[byRatio[at]], n));
  }
}
