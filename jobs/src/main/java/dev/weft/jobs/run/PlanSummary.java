package dev.weft.jobs.run;

import java.util.List;

/**
 * What a plan promises: the order, the tokens it saves and the predicted cost. Nothing has been
 * computed yet, except a sample when output lengths were estimated by running one.
 *
 * @param policy name of the policy in use
 * @param objective what the plan makes little of
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
 * @param level whether one tree on the driver held all requests, or trees on the executors
 * @param sharing where in the prompts tokens are shared
 * @param densities compute over memory seconds of the whole, its sides and its requests
 * @param predictions one for each policy, the chosen one included
 * @param predictionNote how the predictions were made and what their ranges mean
 * @param schedules what the device does over the predicted time of each policy; empty where nothing
 *     was simulated
 * @param memory what one executor holds
 * @param calibration the measured rates of the device, on which the predictions rest
 * @param cost predicted energy and money of the chosen policy
 * @param preview the first groups of the planned order
 */
public record PlanSummary(
    String policy,
    ObjectiveInfo objective,
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
    PlanLevel level,
    Sharing sharing,
    Densities densities,
    List<PolicyPrediction> predictions,
    String predictionNote,
    List<PolicySchedule> schedules,
    MemoryPlan memory,
    CalibrationInfo calibration,
    CostEstimate cost,
    List<PlannedGroup> preview) {

  /**
   * Where the plan was made.
   *
   * @param levels 1: one prefix tree on the driver; 2: a tree for each range of prompts on the
   *     executors, and a cut over their summaries on the driver
   * @param why what decided it
   * @param ranges ranges of prompts, 1 on one level
   */
  public record PlanLevel(int levels, String why, int ranges) {}

  /**
   * Shared tokens of the prompts.
   *
   * @param distinctTokens tokens of the prefix tree: what must be computed at least; summed over
   *     the ranges of a plan of two levels
   * @param levels sharing by token position, in ranges that double
   * @param topPrefixes shared prefixes that save most, best first
   */
  public record Sharing(
      long distinctTokens, List<SharingLevel> levels, List<TopPrefix> topPrefixes) {
    public static final Sharing NONE = new Sharing(0, List.of(), List.of());
  }

  /**
   * Sharing of the token positions from {@code fromToken} to before {@code toToken}.
   *
   * @param promptTokens tokens of all prompts there
   * @param distinctTokens those that differ
   */
  public record SharingLevel(int fromToken, int toToken, long promptTokens, long distinctTokens) {
    /** Part of the tokens that sharing saves, 0 to 1. */
    public double savedShare() {
      return promptTokens == 0 ? 0 : 1 - (double) distinctTokens / promptTokens;
    }
  }

  /**
   * A prefix that many prompts share.
   *
   * @param prefixTokens its length
   * @param ownTokens its last tokens, that exactly these requests share
   * @param requests how many share it
   * @param savedTokens tokens that sharing the own ones saves
   * @param text the beginning of the own tokens as text, shortened, control characters escaped
   */
  public record TopPrefix(
      int prefixTokens, int ownTokens, long requests, long savedTokens, String text) {}

  /**
   * Densities: predicted compute seconds over predicted seconds of KV reads. Above 1 a device is
   * short of compute, below of memory bandwidth.
   *
   * @param all of all requests, shared tokens computed once
   * @param computeSide of the requests that the order calls compute-bound; NaN if there are none
   * @param memorySide of the memory-bound ones; NaN if there are none
   * @param computeSideRequests their number
   * @param memorySideRequests their number
   * @param alone quantiles over requests, each as if it ran alone and shared nothing
   */
  public record Densities(
      double all,
      double computeSide,
      double memorySide,
      long computeSideRequests,
      long memorySideRequests,
      List<Quantile> alone) {
    public static final Densities NONE =
        new Densities(Double.NaN, Double.NaN, Double.NaN, 0, 0, List.of());
  }

  /**
   * @param share part of the requests that lie at or below the value, 0 to 1
   */
  public record Quantile(double share, double value) {}

  /**
   * The predicted use of the device over time, in intervals of equal length (the last may be
   * shorter).
   *
   * @param policy name of the policy
   * @param seconds length of what was simulated
   * @param intervalSeconds length of an interval
   * @param computeShares part of each interval in which the device computes, 0 to 1
   * @param memoryShares part of each interval in which it reads weights and KV, 0 to 1
   * @param kvTokens mean KV tokens held in each interval
   */
  public record PolicySchedule(
      String policy,
      double seconds,
      double intervalSeconds,
      List<Double> computeShares,
      List<Double> memoryShares,
      List<Double> kvTokens) {}

  /**
   * The predicted run of one policy.
   *
   * @param policy its name
   * @param predictedSeconds of the whole run on one engine
   * @param lowSeconds lower end of the range, see {@code predictionNote}
   * @param highSeconds upper end of the range
   * @param computeSeconds the part that floating-point work takes
   * @param memorySeconds the part that reading keys and values takes
   * @param savedTokens prompt tokens not computed again within the KV memory at hand
   * @param savedShare {@code savedTokens} over all prompt tokens, 0 to 1
   * @param energyJoules of the whole run; NaN if the power is not known
   * @param money for the whole run, in the currency of the configured prices; NaN without them
   */
  public record PolicyPrediction(
      String policy,
      double predictedSeconds,
      double lowSeconds,
      double highSeconds,
      double computeSeconds,
      double memorySeconds,
      long savedTokens,
      double savedShare,
      Range energyJoules,
      Range money) {

    /** The same with what it costs. */
    public PolicyPrediction withMoney(Range other) {
      return new PolicyPrediction(
          policy,
          predictedSeconds,
          lowSeconds,
          highSeconds,
          computeSeconds,
          memorySeconds,
          savedTokens,
          savedShare,
          energyJoules,
          other);
    }
  }

  /** A predicted value and the range it may lie in, as that of the seconds. */
  public record Range(double predicted, double low, double high) {
    public static final Range UNKNOWN = new Range(Double.NaN, Double.NaN, Double.NaN);
  }

  /**
   * What the plan makes little of.
   *
   * @param name {@code time}, {@code energy} or {@code cost}
   * @param note why another than the configured one, or how the policy was chosen by it; may be
   *     empty
   */
  public record ObjectiveInfo(String name, String note) {}

  /**
   * Memory of one executor's engine.
   *
   * @param weightsBytes the model's weights
   * @param kvBytes the KV cache
   * @param kvTokens tokens that the KV cache holds
   * @param peakKvTokens most tokens that the plan is predicted to hold at the same time
   * @param peakKvBytes the same in bytes
   * @param maxSequences sequences that run at the same time
   */
  public record MemoryPlan(
      long weightsBytes,
      long kvBytes,
      long kvTokens,
      long peakKvTokens,
      long peakKvBytes,
      int maxSequences) {}

  /**
   * Measured rates of the device.
   *
   * @param device its name
   * @param backend the kernel backend measured
   * @param flopsPerSecond floating-point operations per second of a prefill step
   * @param bytesPerSecond bytes per second read by decode attention
   * @param overlap how far the two run at the same time: 0 one after the other, 1 together
   * @param spread half of the measured steps were within this part of the fitted step times
   * @param source {@code measured} or {@code cache:<file>}, with {@code +sample} where the steps of
   *     the job's sample corrected it
   */
  public record CalibrationInfo(
      String device,
      String backend,
      double flopsPerSecond,
      double bytesPerSecond,
      double overlap,
      double spread,
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
