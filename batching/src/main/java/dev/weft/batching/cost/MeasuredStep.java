package dev.weft.batching.cost;

/**
 * One engine step as it was run: what it computed, and how long it took.
 *
 * @param tokens tokens that went through the layers, at least 1
 * @param logitTokens those of them whose logits were computed, at least 0
 * @param prefillPairs query-key pairs of prompt tokens under the causal mask
 * @param kvTokensRead tokens whose K and V were read, summed over the sequences of the step
 * @param seconds scheduling, forward pass and sampling together, above 0
 */
public record MeasuredStep(
    long tokens, long logitTokens, long prefillPairs, long kvTokensRead, double seconds) {
  public MeasuredStep {
    if (tokens < 1 || logitTokens < 0 || prefillPairs < 0 || kvTokensRead < 0 || !(seconds > 0)) {
      throw new IllegalArgumentException(
          "a measured step has tokens="
              + tokens
              + " logitTokens="
              + logitTokens
              + " prefillPairs="
              + prefillPairs
              + " kvTokensRead="
              + kvTokensRead
              + " seconds="
              + seconds);
    }
  }
}
