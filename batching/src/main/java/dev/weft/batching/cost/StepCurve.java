package dev.weft.batching.cost;

/**
 * Time of an engine step as a sum of parts, fitted to steps that were measured on one device with
 * one model, backend and number of threads:
 *
 * <pre>seconds = layers(tokens) + logits(logitTokens) + a prefillPairs + b kvTokensRead</pre>
 *
 * <p>The first two are curves because kernels are not of one rate: a matrix product of one row is
 * bound by reading weights, one of many by multiply-adds. What every step takes is in {@code
 * layers}; what every sequence takes (scheduling, sampling, its part in attention) is in {@code
 * logits}, since a step holds at most one sequence without logits.
 *
 * @param layers seconds over the tokens of a step, from 1 on
 * @param logits seconds over the rows of logits, from 0 on
 * @param secondsPerPrefillPair {@code a}
 * @param secondsPerKvToken {@code b}
 */
public record StepCurve(
    PiecewiseLinear layers,
    PiecewiseLinear logits,
    double secondsPerPrefillPair,
    double secondsPerKvToken) {
  public StepCurve {
    if (!(secondsPerPrefillPair >= 0) || !(secondsPerKvToken >= 0)) {
      throw new IllegalArgumentException(
          "a step curve has "
              + secondsPerPrefillPair
              + " s for a query-key pair and "
              + secondsPerKvToken
              + " s for a token read: both must be at least 0");
    }
  }

  /** Seconds of a step; parameters as for {@link CostModel#stepSeconds}. */
  public double seconds(long tokens, long logitTokens, long prefillPairs, long kvTokensRead) {
    return layers.at(tokens)
        + logits.at(logitTokens)
        + secondsPerPrefillPair * prefillPairs
        + secondsPerKvToken * kvTokensRead;
  }

  /** The same for a device that is slower by a factor. */
  public StepCurve times(double factor) {
    return new StepCurve(
        layers.times(factor),
        logits.times(factor),
        secondsPerPrefillPair * factor,
        secondsPerKvToken * factor);
  }
}
