package dev.weft.jobs.run;

import java.util.List;

/**
 * What a plan promises: the order, the tokens it saves and the predicted cost. Nothing has been
 * computed yet, except a sample when output lengths were estimated by running one.
 *
 * @param policy the policy in use: {@code fcfs}, {@code dfs} or {@code blend}
 * @param policyNote why the planner chose or changed the policy; empty if it kept the configured
 *     one
 * @param rows input rows
 * @param errorRows rows that cannot run
 * @param duplicateRows rows answered by an identical deterministic request
 * @param requests distinct requests that run
 * @param promptTokens prompt tokens of those requests
 * @param reusableTokens prompt tokens that an unlimited prefix cache would not compute again
 * @param expectedOutputTokens estimated tokens to generate
 * @param outputLengthSource {@code sample}, {@code max_tokens} or {@code history}
 * @param sampledRequests requests run to estimate output lengths
 * @param treeNodes nodes of the prefix tree
 * @param partitions partitions of the inference stage
 * @param predictions one for each policy, the chosen one included
 * @param memory what one executor holds
 * @param calibration the measured rates of the device, on which the predictions rest
 * @param cost predicted energy and money of the chosen policy
 * @param preview the first groups of the planned order
 */
public record PlanSummary(
    String policy,
    String policyNote,
    long rows,
    long errorRows,
    long duplicateRows,
    long requests,
    long promptTokens,
    long reusableTokens,
    long expectedOutputTokens,
    String outputLengthSource,
    long sampledRequests,
    long treeNodes,
    int partitions,
    List<PolicyPrediction> predictions,
    MemoryPlan memory,
    CalibrationInfo calibration,
    CostEstimate cost,
    List<PlannedGroup> preview) {

  /**
   * The simulated run of one policy.
   *
   * @param policy its name
   * @param predictedSeconds of the whole run on one engine
   * @param computeSeconds the part that floating-point work takes
   * @param memorySeconds the part that reading keys and values takes
   * @param savedTokens prompt tokens not computed again within the KV memory at hand
   * @param savedShare {@code savedTokens} over all prompt tokens, 0 to 1
   */
  public record PolicyPrediction(
      String policy,
      double predictedSeconds,
      double computeSeconds,
      double memorySeconds,
      long savedTokens,
      double savedShare) {}

  /**
   * Memory of one executor's engine.
   *
   * @param weightsBytes the model's weights
   * @param kvBytes the KV cache
   * @param kvTokens tokens that the KV cache holds
   * @param maxSequences sequences that run at the same time
   */
  public record MemoryPlan(long weightsBytes, long kvBytes, long kvTokens, int maxSequences) {}

  /**
   * Measured rates of the device.
   *
   * @param device its name
   * @param backend the kernel backend measured
   * @param flopsPerSecond floating-point operations per second of a prefill step
   * @param bytesPerSecond bytes per second read by decode attention
   * @param overlap how far the two run at the same time: 0 one after the other, 1 together
   * @param source {@code measured} or {@code cache:<file>}
   */
  public record CalibrationInfo(
      String device,
      String backend,
      double flopsPerSecond,
      double bytesPerSecond,
      double overlap,
      String source) {}

  /**
   * Predicted cost.
   *
   * @param energyJoules for the whole run
   * @param energySource where the watts come from, e.g. {@code estimate:cpu-tdp}
   * @param money in the currency of the configured price; NaN without a price
   * @param currency of the configured price; empty without one
   */
  public record CostEstimate(
      double energyJoules, String energySource, double money, String currency) {}

  /**
   * Neighbours in the planned order that share a prefix.
   *
   * @param position planned position of the first
   * @param requests how many follow each other
   * @param sharedPrefixTokens tokens that they share
   * @param density computed seconds over memory seconds
   * @param firstId id of the first request
   */
  public record PlannedGroup(
      long position, long requests, long sharedPrefixTokens, double density, String firstId) {}
}
