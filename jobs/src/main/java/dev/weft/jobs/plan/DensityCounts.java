package dev.weft.jobs.plan;

import dev.weft.jobs.run.PlanSummary.Quantile;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests counted by density in steps of a sixteenth of a doubling, so that quantiles of many
 * ranges are known to 4.5% from counts alone.
 */
final class DensityCounts {
  private static final int STEPS_PER_DOUBLING = 16;
  private static final int LEAST_EXPONENT = -30;
  private static final int STEPS = 60 * STEPS_PER_DOUBLING;

  private final long[] counts = new long[STEPS + 1];

  /** Counts a request; an infinite density reads no KV. */
  void add(double density) {
    double step = (Math.log(density) / Math.log(2) - LEAST_EXPONENT) * STEPS_PER_DOUBLING;
    counts[Double.isNaN(step) ? 0 : (int) Math.clamp(step, 0, STEPS)]++;
  }

  void addAll(long[] others) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += others[i];
    }
  }

  long[] counts() {
    return counts.clone();
  }

  /** Densities below which these parts of the requests lie; empty without requests. */
  List<Quantile> quantiles(double... shares) {
    long all = 0;
    for (long count : counts) {
      all += count;
    }
    List<Quantile> quantiles = new ArrayList<>();
    for (double share : all == 0 ? new double[0] : shares) {
      long wanted = Math.max(1, (long) Math.ceil(share * all));
      int step = -1;
      for (long seen = 0; seen < wanted; ) {
        seen += counts[++step];
      }
      double value =
          step == STEPS
              ? Double.POSITIVE_INFINITY
              : Math.pow(2, LEAST_EXPONENT + (step + 0.5) / STEPS_PER_DOUBLING);
      quantiles.add(new Quantile(share, value));
    }
    return quantiles;
  }
}
