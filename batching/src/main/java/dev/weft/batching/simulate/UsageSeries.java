package dev.weft.batching.simulate;

import java.util.Arrays;

/**
 * What a device does over the time of a simulated run, in intervals of equal length: how much of
 * the time it computes, how much it reads memory, and how many KV tokens it holds.
 *
 * <p>The length of a run is not known before its end, so the interval doubles whenever there are
 * twice as many as wanted: memory is bounded, and every step is counted where it happened.
 */
public final class UsageSeries implements StepObserver {
  private final int wanted;
  private final double[] compute;
  private final double[] memory;
  private final double[] kvTokenSeconds;
  private double width;
  private double now;

  /**
   * @param intervals intervals wanted, at least 1; between this and twice this many come out, fewer
   *     from a run of fewer steps
   */
  public UsageSeries(int intervals) {
    if (intervals < 1) {
      throw new IllegalArgumentException("a series needs at least 1 interval, got " + intervals);
    }
    wanted = intervals;
    compute = new double[2 * intervals];
    memory = new double[2 * intervals];
    kvTokenSeconds = new double[2 * intervals];
  }

  @Override
  public void step(double seconds, double computeSeconds, double memorySeconds, long kvTokens) {
    if (!(seconds > 0)) {
      return;
    }
    if (width == 0) {
      width = seconds;
    }
    double end = now + seconds;
    while (end > width * compute.length) {
      halve();
    }
    while (now < end) {
      int interval = (int) (now / width);
      // The quotient may have been rounded down over the border that the step stands at.
      interval += (interval + 1) * width <= now ? 1 : 0;
      interval = Math.min(compute.length - 1, interval);
      double until = interval == compute.length - 1 ? end : Math.min(end, (interval + 1) * width);
      double part = (until - now) / seconds;
      compute[interval] += computeSeconds * part;
      memory[interval] += memorySeconds * part;
      kvTokenSeconds[interval] += kvTokens * (until - now);
      now = until;
    }
  }

  private void halve() {
    for (double[] values : new double[][] {compute, memory, kvTokenSeconds}) {
      for (int i = 0; i < wanted; i++) {
        values[i] = values[2 * i] + values[2 * i + 1];
      }
      Arrays.fill(values, wanted, 2 * wanted, 0);
    }
    width *= 2;
  }

  /** Length of an interval; the last one of the run may be shorter. */
  public double intervalSeconds() {
    return width;
  }

  /** Seconds of all steps. */
  public double seconds() {
    return now;
  }

  /** Number of intervals that the run touches. */
  public int intervals() {
    return width == 0 ? 0 : (int) Math.min(compute.length, Math.ceil(now / width - 1e-9));
  }

  /** By interval: part of its time in which the device computes, 0 to 1. */
  public double[] computeShares() {
    return shares(compute);
  }

  /** By interval: part of its time in which the device reads weights and KV, 0 to 1. */
  public double[] memoryShares() {
    return shares(memory);
  }

  /** By interval: mean KV tokens held. */
  public double[] kvTokens() {
    double[] tokens = new double[intervals()];
    Arrays.setAll(tokens, i -> kvTokenSeconds[i] / length(i));
    return tokens;
  }

  private double[] shares(double[] busySeconds) {
    double[] shares = new double[intervals()];
    Arrays.setAll(shares, i -> Math.clamp(busySeconds[i] / length(i), 0, 1));
    return shares;
  }

  private double length(int interval) {
    return Math.min(width, now - interval * width);
  }
}
