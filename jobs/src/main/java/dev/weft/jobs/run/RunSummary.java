package dev.weft.jobs.run;

import java.util.List;
import java.util.Map;

/**
 * How a run went: what the terminal, {@code report.json} and {@code report.html} show. Plain values
 * only, so Jackson writes and reads it.
 *
 * @param runId the run's id
 * @param outcome how it ended
 * @param startedAt ISO-8601 instant of this start
 * @param starts how often this run was started, this start included
 * @param totalSeconds of this start, from preflight to report
 * @param version Weft's version and commit
 * @param output where everything was written
 * @param model the model that answered
 * @param engine the device and the number formats in use
 * @param rows input rows by how they ended; they add up
 * @param errors error rows by code, most frequent first
 * @param tokens tokens by kind
 * @param throughput rates of the inference stage
 * @param stages stages of this start with their seconds, in order
 * @param plan the plan; null when the run was already complete
 * @param partitions predicted and real time of each partition of this start
 * @param energy joules and watts with their source
 * @param accuracy scores against expected answers; null without expected answers
 * @param steps a compact series of engine steps over time, at most some hundred points
 * @param warnings what was not as configured or not measured, in plain words
 */
public record RunSummary(
    String runId,
    Outcome outcome,
    String startedAt,
    int starts,
    double totalSeconds,
    Version version,
    Output output,
    ModelInfo model,
    EngineInfo engine,
    Rows rows,
    List<ErrorCount> errors,
    Tokens tokens,
    Throughput throughput,
    List<StageTime> stages,
    PlanSummary plan,
    List<PartitionTime> partitions,
    Energy energy,
    Accuracy accuracy,
    List<StepPoint> steps,
    List<String> warnings) {

  /** The same summary with another outcome. */
  public RunSummary withOutcome(Outcome other) {
    return new RunSummary(
        runId,
        other,
        startedAt,
        starts,
        totalSeconds,
        version,
        output,
        model,
        engine,
        rows,
        errors,
        tokens,
        throughput,
        stages,
        plan,
        partitions,
        energy,
        accuracy,
        steps,
        warnings);
  }

  /** How a run ended. The CLI's exit code follows from it. */
  public enum Outcome {
    /** Every row has an answer. */
    ALL_ANSWERED,
    /** The run is complete; some rows are error rows. */
    SOME_ERRORS,
    /** The results of this run were committed by an earlier start; nothing was done. */
    ALREADY_COMPLETE_ALL_ANSWERED,
    /** As above, and some rows are error rows. */
    ALREADY_COMPLETE_SOME_ERRORS;

    /** True if at least one row is an error row. */
    public boolean hasErrors() {
      return this == SOME_ERRORS || this == ALREADY_COMPLETE_SOME_ERRORS;
    }

    /** True if an earlier start had finished the run. */
    public boolean wasComplete() {
      return this == ALREADY_COMPLETE_ALL_ANSWERED || this == ALREADY_COMPLETE_SOME_ERRORS;
    }
  }

  /**
   * @param weft version of the program
   * @param commit source commit, or {@code unknown}
   * @param java version of the JVM
   * @param spark version of Spark
   */
  public record Version(String weft, String commit, String java, String spark) {}

  /**
   * @param folder the output folder
   * @param results the Delta table of results
   * @param metrics the folder of the three Parquet tables {@code run}, {@code steps}, {@code
   *     requests}
   * @param run the run's own folder: manifest, prepared rows, ledger
   */
  public record Output(String folder, String results, String metrics, String run) {}

  /**
   * @param name from the model file's metadata
   * @param file its path
   * @param sha256 hash of its content, hex
   * @param architecture e.g. {@code llama}
   * @param parameters count of weights
   * @param weightFormats formats of its tensors with their share of the parameters
   * @param fileBytes size of the file
   * @param contextTokens longest sequence the model was trained for
   */
  public record ModelInfo(
      String name,
      String file,
      String sha256,
      String architecture,
      long parameters,
      Map<String, Double> weightFormats,
      long fileBytes,
      int contextTokens) {}

  /**
   * @param backend the kernel backend in use
   * @param device the device's name
   * @param threads threads of one engine
   * @param engines engines that ran (one for each executor JVM)
   * @param kvFormat number format of the KV cache
   * @param kvTokens tokens that one engine's KV cache holds
   * @param stepTokens token budget of a step
   * @param contextTokens longest sequence accepted
   * @param loadSeconds time that the slowest engine took to load the model, have its kernels
   *     compiled and be ready; 0 if none was opened
   */
  public record EngineInfo(
      String backend,
      String device,
      int threads,
      int engines,
      String kvFormat,
      long kvTokens,
      int stepTokens,
      int contextTokens,
      double loadSeconds) {}

  /**
   * {@code total = answered + errors}.
   *
   * @param total input rows
   * @param answered rows with an answer
   * @param errors rows with an error
   * @param deduplicated answered rows whose identical request ran for another row
   * @param resumed answered requests taken from the ledger of an earlier start
   */
  public record Rows(long total, long answered, long errors, long deduplicated, long resumed) {}

  /**
   * @param code stable code, see {@code docs/errors.md}
   * @param category user, model, resource or internal
   * @param rows how many rows
   * @param hint how to fix it
   * @param example the message of the first such row
   */
  public record ErrorCount(String code, String category, long rows, String hint, String example) {}

  /**
   * @param prompt prompt tokens of all requests that ran
   * @param sharedPrompt those found in the KV cache and not computed again
   * @param computedPrompt those computed
   * @param reusablePrompt those an unlimited prefix cache would save, by the prefix tree
   * @param deduplicatedPrompt prompt tokens of rows that did not run because an identical request
   *     did
   * @param output generated tokens
   */
  public record Tokens(
      long prompt,
      long sharedPrompt,
      long computedPrompt,
      long reusablePrompt,
      long deduplicatedPrompt,
      long output) {

    /** The share of prompt tokens saved by prefix sharing, 0 to 1. */
    public double savedShare() {
      return prompt == 0 ? 0 : (double) sharedPrompt / prompt;
    }

    /** The largest share that prefix sharing can save, 0 to 1. */
    public double reusableShare() {
      return prompt == 0 ? 0 : (double) reusablePrompt / prompt;
    }
  }

  /**
   * Rates over the inference stages (sample and main) of this start; what came from the ledger is
   * not counted.
   *
   * @param inferSeconds wall time of these stages
   * @param requestsPerSecond finished requests
   * @param tokensPerSecond prompt (shared ones included) and output tokens
   * @param computedTokensPerSecond prompt tokens that were computed, and output tokens
   * @param outputTokensPerSecond output tokens
   */
  public record Throughput(
      double inferSeconds,
      double requestsPerSecond,
      double tokensPerSecond,
      double computedTokensPerSecond,
      double outputTokensPerSecond) {}

  /** A stage and how long it took. */
  public record StageTime(String stage, double seconds) {}

  /**
   * @param partition its number
   * @param requests it holds
   * @param predictedSeconds by the plan
   * @param realSeconds from its first request to its last result
   */
  public record PartitionTime(
      int partition, long requests, double predictedSeconds, double realSeconds) {}

  /**
   * @param joules of the inference stages of this start
   * @param source {@code nvml}, {@code rapl} or {@code estimate:<model>}
   * @param meanWatts joules over the seconds of these stages
   * @param joulesPerToken over output and prompt tokens (shared ones included)
   * @param joulesPerOutputToken over output tokens
   * @param money at the configured price; NaN without a price
   * @param currency of the price; empty without one
   */
  public record Energy(
      double joules,
      String source,
      double meanWatts,
      double joulesPerToken,
      double joulesPerOutputToken,
      double money,
      String currency) {}

  /**
   * Exact match against expected answers, both trimmed of white space at their ends. A row that is
   * an error counts as wrong.
   *
   * @param rows rows with an expected answer
   * @param correct of these
   * @param accuracy {@code correct / rows}
   * @param accuracyPerWatt accuracy over the mean watts of the inference stages, in 1/W
   * @param tasks the same for each task
   */
  public record Accuracy(
      long rows, long correct, double accuracy, double accuracyPerWatt, List<TaskAccuracy> tasks) {}

  /** Exact match within one task. */
  public record TaskAccuracy(String task, long rows, long correct, double accuracy) {}

  /**
   * Steps of all engines within an interval of time, as rates and means.
   *
   * @param atSeconds end of the interval, since the inference stage of this start began
   * @param seconds length of the interval
   * @param steps steps in it
   * @param prefillTokens prompt tokens computed
   * @param decodeTokens tokens generated
   * @param sharedTokens prompt tokens found in the KV cache
   * @param meanSequences mean of running sequences
   * @param kvUsedShare mean share of KV pages in use, 0 to 1
   * @param predictedSeconds sum over its steps by the cost model
   * @param realSeconds sum over its steps
   * @param energyJoules sum over its steps
   */
  public record StepPoint(
      double atSeconds,
      double seconds,
      long steps,
      long prefillTokens,
      long decodeTokens,
      long sharedTokens,
      double meanSequences,
      double kvUsedShare,
      double predictedSeconds,
      double realSeconds,
      double energyJoules) {}
}
