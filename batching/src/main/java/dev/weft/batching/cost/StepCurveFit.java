package dev.weft.batching.cost;

import dev.weft.batching.cost.PiecewiseLinear.Point;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * Fits a {@link StepCurve} to measured steps.
 *
 * <p>Unknowns are what a curve gains from one breakpoint to the next, and the two rates; none may
 * be negative, so that curves never fall. Relative errors count, and large ones only by their size
 * and not its square (iteratively reweighted least squares), so that single steps that another
 * process got in the way of do not bend it. Negative unknowns are set to zero one by one, the worst
 * first, and the rest is solved again.
 *
 * <p>Such a curve tells the usual time of a step. What a run takes is the sum over its steps, the
 * late ones included: at the end the curve is scaled so that it gives the sum of the measured
 * seconds, in which a step counts at most half more than its usual time.
 */
public final class StepCurveFit {
  private static final int ROUNDS = 12;

  /** Relative errors below this count by their square. */
  private static final double SMALL = 0.03;

  /** A step that took more than this times its usual time counts as if it took this. */
  private static final double LATEST = 1.5;

  private static final int MOST_BREAKPOINTS = 28;

  private final long[] tokens;
  private final long[] logits;
  private final int unknowns;

  private StepCurveFit(List<MeasuredStep> steps) {
    tokens = breakpoints(steps.stream().mapToLong(MeasuredStep::tokens).toArray());
    logits = breakpoints(steps.stream().mapToLong(MeasuredStep::logitTokens).toArray());
    unknowns = tokens.length + logits.length + 2;
  }

  /**
   * The curve of these steps.
   *
   * @throws IllegalArgumentException without steps
   */
  public static StepCurve fit(List<MeasuredStep> steps) {
    if (steps.isEmpty()) {
      throw new IllegalArgumentException("no measured steps to fit a curve to");
    }
    StepCurve usual = new StepCurveFit(steps).solve(steps);
    double real = 0;
    double sum = 0;
    for (MeasuredStep s : steps) {
      double seconds = seconds(usual, s);
      real += Math.min(s.seconds(), LATEST * seconds);
      sum += seconds;
    }
    return usual.times(real / sum);
  }

  /** Half of the errors of predicted against measured seconds are below this part of the latter. */
  public static double medianError(StepCurve curve, List<MeasuredStep> steps) {
    double[] errors =
        steps.stream()
            .mapToDouble(s -> Math.abs(seconds(curve, s) - s.seconds()) / s.seconds())
            .sorted()
            .toArray();
    return errors.length == 0 ? Double.NaN : errors[errors.length / 2];
  }

  private static double seconds(StepCurve curve, MeasuredStep s) {
    return curve.seconds(s.tokens(), s.logitTokens(), s.prefillPairs(), s.kvTokensRead());
  }

  /** Counts that occur, thinned where there are many: the least and the largest stay. */
  private static long[] breakpoints(long[] counts) {
    TreeMap<Long, Integer> times = new TreeMap<>();
    for (long count : counts) {
      times.merge(count, 1, Integer::sum);
    }
    long[] all = times.keySet().stream().mapToLong(Long::longValue).toArray();
    double ratio = 1.05;
    long[] kept = thinned(all, times, ratio);
    while (kept.length > MOST_BREAKPOINTS) {
      ratio *= 1.1;
      kept = thinned(all, times, ratio);
    }
    return kept;
  }

  /** Of counts within a ratio of each other the one that occurs most often. */
  private static long[] thinned(long[] counts, TreeMap<Long, Integer> times, double ratio) {
    List<Long> kept = new ArrayList<>();
    for (int i = 0; i < counts.length; ) {
      long best = counts[i];
      int end = i;
      while (end < counts.length && counts[end] <= counts[i] * ratio) {
        if (times.get(counts[end]) > times.get(best)) {
          best = counts[end];
        }
        end++;
      }
      kept.add(i == 0 ? counts[0] : end == counts.length ? counts[end - 1] : best);
      i = end;
    }
    return kept.stream().mapToLong(Long::longValue).toArray();
  }

  private StepCurve solve(List<MeasuredStep> steps) {
    int n = steps.size();
    double[][] rows = new double[n][];
    for (int i = 0; i < n; i++) {
      rows[i] = row(steps.get(i));
    }
    double[] weights = new double[n];
    Arrays.fill(weights, 1);
    double[] x = new double[unknowns];
    for (int round = 0; round < ROUNDS; round++) {
      x = notNegative(rows, weights);
      for (int i = 0; i < n; i++) {
        weights[i] = SMALL / Math.max(SMALL, Math.abs(dot(rows[i], x) - 1));
      }
    }
    int rates = tokens.length + logits.length;
    return new StepCurve(
        curve(tokens, x, 0), curve(logits, x, tokens.length), x[rates], x[rates + 1]);
  }

  /** Coefficients of the unknowns in the seconds of a step, over its measured seconds. */
  private double[] row(MeasuredStep step) {
    double[] row = new double[unknowns];
    ramps(tokens, step.tokens(), row, 0);
    ramps(logits, step.logitTokens(), row, tokens.length);
    // What every step takes is counted once, with the layers.
    row[tokens.length] = 0;
    row[unknowns - 2] = step.prefillPairs();
    row[unknowns - 1] = step.kvTokensRead();
    for (int i = 0; i < unknowns; i++) {
      row[i] /= step.seconds();
    }
    return row;
  }

  private static void ramps(long[] breakpoints, long count, double[] row, int at) {
    row[at] = 1;
    for (int k = 1; k < breakpoints.length; k++) {
      double share = (count - breakpoints[k - 1]) / (double) (breakpoints[k] - breakpoints[k - 1]);
      row[at + k] = Math.clamp(share, 0.0, 1.0);
    }
  }

  private static PiecewiseLinear curve(long[] breakpoints, double[] gains, int from) {
    List<Point> points = new ArrayList<>();
    double seconds = 0;
    for (int k = 0; k < breakpoints.length; k++) {
      seconds += gains[from + k];
      points.add(new Point(breakpoints[k], seconds));
    }
    return new PiecewiseLinear(points);
  }

  /** Weighted least squares for {@code rows x = 1} with {@code x >= 0}. */
  private double[] notNegative(double[][] rows, double[] weights) {
    double[] scale = new double[unknowns];
    for (double[] row : rows) {
      for (int j = 0; j < unknowns; j++) {
        scale[j] = Math.max(scale[j], row[j]);
      }
    }
    double[][] gram = new double[unknowns][unknowns];
    double[] right = new double[unknowns];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < unknowns; j++) {
        double a = scale[j] == 0 ? 0 : weights[i] * rows[i][j] / scale[j];
        if (a == 0) {
          continue;
        }
        right[j] += a;
        for (int k = 0; k <= j; k++) {
          gram[j][k] += scale[k] == 0 ? 0 : a * rows[i][k] / scale[k];
        }
      }
    }
    boolean[] free = new boolean[unknowns];
    for (int j = 0; j < unknowns; j++) {
      free[j] = gram[j][j] > 0;
    }
    double[] x = cholesky(gram, right, free);
    for (int worst = mostNegative(x); worst >= 0; worst = mostNegative(x)) {
      free[worst] = false;
      x = cholesky(gram, right, free);
    }
    for (int j = 0; j < unknowns; j++) {
      x[j] = scale[j] == 0 ? 0 : x[j] / scale[j];
    }
    return x;
  }

  private static int mostNegative(double[] x) {
    int worst = -1;
    for (int j = 0; j < x.length; j++) {
      if (x[j] < 0 && (worst < 0 || x[j] < x[worst])) {
        worst = j;
      }
    }
    return worst;
  }

  /** Solves the free unknowns, the others are 0; a trace of damping keeps it regular. */
  private static double[] cholesky(double[][] gram, double[] right, boolean[] free) {
    int[] at = new int[right.length];
    int n = 0;
    for (int j = 0; j < free.length; j++) {
      if (free[j]) {
        at[n++] = j;
      }
    }
    double[][] l = new double[n][n];
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = gram[at[i]][at[j]] * (i == j ? 1 + 1e-9 : 1);
        for (int k = 0; k < j; k++) {
          sum -= l[i][k] * l[j][k];
        }
        l[i][j] = i == j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / l[j][j];
      }
      double sum = right[at[i]];
      for (int k = 0; k < i; k++) {
        sum -= l[i][k] * y[k];
      }
      y[i] = sum / l[i][i];
    }
    double[] x = new double[right.length];
    for (int i = n - 1; i >= 0; i--) {
      double sum = y[i];
      for (int k = i + 1; k < n; k++) {
        sum -= l[k][i] * x[at[k]];
      }
      x[at[i]] = sum / l[i][i];
    }
    return x;
  }

  private static double dot(double[] row, double[] x) {
    double sum = 0;
    for (int j = 0; j < x.length; j++) {
      sum += row[j] * x[j];
    }
    return sum;
  }
}
