package dev.weft.batching.cost;

/**
 * Predicted compute and memory time of requests and of engine steps on one device.
 *
 * <p>Symbols: {@code p} prompt tokens, {@code d} output tokens, {@code s} prompt tokens whose KV is
 * already there, {@code P} parameters per token, {@code L} layers, {@code H} attention width,
 * {@code W_kv} KV width, {@code b_kv} bytes of a KV element, {@code w} overlap.
 *
 * <ul>
 *   <li>compute seconds: {@code (2 ((p-s) + d) P + 4 (p^2 - s^2) H L) / flopsPerSecond};
 *   <li>memory seconds: {@code (p d + d^2/2) 2 W_kv L b_kv / bytesPerSecond}, with the means of
 *       {@code d} and of {@code d^2} where the length is uncertain; shared tokens save compute, not
 *       KV reads, unless the backend reads a shared prefix once;
 *   <li>density of a set: sum of compute over sum of memory;
 *   <li>time of a set: {@code T = max(C, M) + (1-w) min(C, M)}.
 * </ul>
 *
 * <p>Source: BlendServe, arXiv 2411.16102, section on the performance model; {@code w} replaces its
 * profiled overlap curve, and the attention term is kept for every length.
 *
 * @param curve step times as they were measured with this model on this device; null to compute
 *     them from the rates. Which resource a request or step uses is always computed from the rates
 * @param objective what policies weigh gains and losses by
 */
public record CostModel(
    ModelShape model, DeviceProfile device, StepCurve curve, Objective objective) {
  /** Step times from the rates of the device. */
  public CostModel(ModelShape model, DeviceProfile device) {
    this(model, device, null, Objective.TIME);
  }

  /** The same with measured step times. */
  public CostModel withCurve(StepCurve measured) {
    return new CostModel(model, device, measured, objective);
  }

  /** The same with something else to make little of. */
  public CostModel withObjective(Objective other) {
    return new CostModel(model, device, curve, other);
  }

  /** Seconds of matrix products and attention for prompt positions {@code from..to-1}. */
  public double prefillSeconds(long from, long to) {
    double square = (double) to * to - (double) from * from;
    return (2.0 * (to - from) * model.parametersPerToken()
            + 4.0 * device.attentionFraction() * square * model.attentionWidth() * model.layers())
        / device.flopsPerSecond();
  }

  /** Compute seconds of generating {@code outputTokens} tokens. */
  public double decodeComputeSeconds(long outputTokens) {
    return 2.0
        * outputTokens
        * (model.parametersPerToken() + model.headParameters())
        / device.flopsPerSecond();
  }

  /**
   * Seconds of reading KV while {@code outputTokens} tokens follow a context of that length (a
   * fraction where a shared prefix is read once for a group).
   */
  public double memorySeconds(double contextTokens, long outputTokens) {
    double d = outputTokens;
    return memorySeconds(contextTokens, d, d * d);
  }

  /**
   * Expected seconds of reading KV while an output of uncertain length follows a context of that
   * length.
   *
   * @param outputTokens {@code E[d]}
   * @param squareTokens {@code E[d^2]}
   */
  public double memorySeconds(double contextTokens, double outputTokens, double squareTokens) {
    return (contextTokens * outputTokens + 0.5 * squareTokens)
        * model.kvBytesPerToken()
        / device.bytesPerSecond();
  }

  /** Compute seconds of a request of which {@code sharedTokens} prompt tokens are there already. */
  public double computeSeconds(long promptTokens, long sharedTokens, long outputTokens) {
    return prefillSeconds(sharedTokens, promptTokens) + decodeComputeSeconds(outputTokens);
  }

  /** {@code T = max(C, M) + (1-w) min(C, M)} for work that is spread evenly over the run. */
  public double totalSeconds(double computeSeconds, double memorySeconds) {
    return Math.max(computeSeconds, memorySeconds)
        + (1 - device.overlap()) * Math.min(computeSeconds, memorySeconds);
  }

  /**
   * Predicted time of one engine step.
   *
   * @param tokens tokens that go through the layers
   * @param logitTokens those of them whose logits are computed
   * @param prefillPairs query-key pairs of prompt tokens under the causal mask; decode attention is
   *     bound by its KV reads and counted there
   * @param kvTokensRead tokens whose K and V are read, summed over the sequences of the step
   */
  public double stepSeconds(long tokens, long logitTokens, long prefillPairs, long kvTokensRead) {
    if (tokens == 0) {
      return 0;
    }
    if (curve != null) {
      return curve.seconds(tokens, logitTokens, prefillPairs, kvTokensRead);
    }
    return totalSeconds(
            stepComputeSeconds(tokens, logitTokens, prefillPairs), stepMemorySeconds(kvTokensRead))
        + device.stepOverheadSeconds();
  }

  /** Compute part of a step; parameters as for {@link #stepSeconds}. */
  public double stepComputeSeconds(long tokens, long logitTokens, long prefillPairs) {
    return (2.0 * tokens * model.parametersPerToken()
            + 2.0 * logitTokens * model.headParameters()
            + 8.0
                * device.attentionFraction()
                * prefillPairs
                * model.attentionWidth()
                * model.layers())
        / device.flopsPerSecond();
  }

  /** Memory part of a step: all weights once, and the KV that is read. */
  public double stepMemorySeconds(long kvTokensRead) {
    return (model.weightBytes() + kvTokensRead * model.kvBytesPerToken()) / device.bytesPerSecond();
  }
}
