package dev.weft.batching.plan;

import dev.weft.batching.policy.PlannedOrder;
import java.util.List;

/**
 * What to run in which order, in which pieces, and what that should cost.
 *
 * <p>Predictions are sums over requests ({@code totalSeconds} by the overlap formula of {@link
 * dev.weft.batching.cost.CostModel}); they leave out the reads of the weights, which depend on how
 * many sequences run together. {@link dev.weft.batching.simulate.Simulator} predicts the time step
 * by step.
 *
 * @param order the global order
 * @param partitions contiguous pieces that cover the order, in order
 * @param promptTokens prompt tokens of all requests
 * @param distinctTokens tokens of the prefix tree
 * @param pageTokens tokens of a KV page
 * @param reusableTokens prompt tokens that whole pages save with one unlimited cache
 * @param reusableTokensAfterCut the same with one cache per partition
 * @param computeSeconds compute time before the cut
 * @param memorySeconds time of KV reads
 * @param totalSeconds predicted time of one device before the cut
 * @param makespanSeconds predicted end of the last slot if partitions start in order
 * @param imbalance last over mean predicted end of the slots, minus 1
 * @param peakKvTokens most KV tokens one executor can need: the budget, or everything if it fits
 * @param notes reasons and remarks in words for the user
 */
public record Plan(
    PlannedOrder order,
    List<Partition> partitions,
    long promptTokens,
    long distinctTokens,
    int pageTokens,
    long reusableTokens,
    long reusableTokensAfterCut,
    double computeSeconds,
    double memorySeconds,
    double totalSeconds,
    double makespanSeconds,
    double imbalance,
    long peakKvTokens,
    List<String> notes) {

  public Plan {
    partitions = List.copyOf(partitions);
    notes = List.copyOf(notes);
  }

  public String policy() {
    return order.policy();
  }

  /** Prompt tokens that token-granular sharing could save before the cut. */
  public long savedTokens() {
    return promptTokens - distinctTokens;
  }

  /** Prompt tokens that token-granular sharing could save within the partitions. */
  public long savedTokensAfterCut() {
    long computed = 0;
    for (Partition partition : partitions) {
      computed += partition.computedPromptTokens();
    }
    return promptTokens - computed;
  }

  /** Tokens of sharing that the cut loses, token-granular. */
  public long tokensLostByCut() {
    return savedTokens() - savedTokensAfterCut();
  }
}
