package dev.weft.batching.cost;

/** The rates that a planner reasons with, read off a measured curve. */
public final class CalibratedRates {
  private static final double MOST_BYTES_PER_SECOND = 1e14;

  private CalibratedRates() {}

  /**
   * Rates with which the formulas of {@link CostModel} give the curve's own seconds for a step full
   * of prompt tokens and for reading K and V.
   *
   * @param device name for reports
   * @param budgetTokens tokens of a full step
   * @param overlap of compute and memory traffic, which whole steps do not show
   * @param source for reports
   */
  public static DeviceProfile of(
      String device,
      ModelShape model,
      StepCurve curve,
      int budgetTokens,
      double overlap,
      String source) {
    double flops =
        (2.0 * budgetTokens * model.parametersPerToken() + 2.0 * model.headParameters())
            / curve.seconds(budgetTokens, 1, 0, 0);
    double bytes =
        curve.secondsPerKvToken() > 0
            ? model.kvBytesPerToken() / curve.secondsPerKvToken()
            : model.weightBytes() / curve.seconds(1, 1, 0, 0);
    double pairFlops = 8.0 * model.attentionWidth() * model.layers();
    return new DeviceProfile(
        device,
        flops,
        Math.min(bytes, MOST_BYTES_PER_SECOND),
        overlap,
        source,
        0,
        1,
        Math.clamp(curve.secondsPerPrefillPair() * flops / pairFlops, 0.01, 1));
  }
}
