package dev.weft.kernels.engine;

/** Predicts the time of an engine step; {@code CostModel::stepSeconds} is one. */
@FunctionalInterface
public interface StepTimeModel {
  /**
   * @param tokens tokens that go through the layers
   * @param logitTokens those of them whose logits are computed
   * @param attentionPairs query-key pairs, summed over the tokens of the step
   * @param kvTokensRead tokens whose keys and values are read, summed over the sequences
   * @return seconds
   */
  double stepSeconds(long tokens, long logitTokens, long attentionPairs, long kvTokensRead);
}
