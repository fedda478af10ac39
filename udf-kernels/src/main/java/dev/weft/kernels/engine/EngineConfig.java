package dev.weft.kernels.engine;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * What an engine is made of. Nothing here but {@code model}, {@code backend}, {@code contextTokens}
 * and {@code jobSeed} changes answers.
 *
 * @param model GGUF file
 * @param backend {@code auto}, {@code vector} or {@code scalar}
 * @param threads threads of the kernels, at least 1
 * @param kvBudgetBytes memory for keys and values
 * @param pageTokens tokens of one KV page
 * @param contextTokens longest sequence of prompt and answer; 0 for the model's own limit
 * @param budgetTokens most tokens of one step
 * @param maxSequences most sequences that run at the same time
 * @param stepMetricsEvery one of this many steps gives a row of metrics
 * @param jobSeed makes the random stream of requests without a seed of their own, with their id
 * @param lookaheadRequests requests of each stream that wait inside the engine
 * @param resultBatchRows most rows of a batch of results
 * @param resultQueueRows finished rows of a stream that wait for its reader, before no further
 *     request of the stream is started
 * @param stepTimeModel predicts step times for the metrics; null for none
 */
public record EngineConfig(
    Path model,
    String backend,
    int threads,
    long kvBudgetBytes,
    int pageTokens,
    int contextTokens,
    int budgetTokens,
    int maxSequences,
    int stepMetricsEvery,
    long jobSeed,
    int lookaheadRequests,
    int resultBatchRows,
    int resultQueueRows,
    StepTimeModel stepTimeModel) {

  public EngineConfig {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(backend, "backend");
    atLeast(1, threads, "threads");
    atLeast(1, kvBudgetBytes, "kvBudgetBytes");
    atLeast(1, pageTokens, "pageTokens");
    atLeast(0, contextTokens, "contextTokens");
    atLeast(1, budgetTokens, "budgetTokens");
    atLeast(1, maxSequences, "maxSequences");
    atLeast(1, stepMetricsEvery, "stepMetricsEvery");
    atLeast(1, lookaheadRequests, "lookaheadRequests");
    atLeast(1, resultBatchRows, "resultBatchRows");
    atLeast(1, resultQueueRows, "resultQueueRows");
  }

  public static Builder builder(Path model) {
    return new Builder(model);
  }

  /** The step time model, if there is one. */
  public Optional<StepTimeModel> stepTimes() {
    return Optional.ofNullable(stepTimeModel);
  }

  private static void atLeast(long least, long value, String name) {
    if (value < least) {
      throw new IllegalArgumentException(
          "engine setting " + name + " is " + value + "; it must be at least " + least);
    }
  }

  /** Collects settings; what is not set has a default that suits a small model on a CPU. */
  public static final class Builder {
    private final Path model;
    private String backend = "auto";
    private int threads = Runtime.getRuntime().availableProcessors();
    private long kvBudgetBytes = 512L << 20;
    private int pageTokens = 16;
    private int contextTokens;
    private int budgetTokens = 256;
    private int maxSequences = 64;
    private int stepMetricsEvery = 1;
    private long jobSeed = 42;
    private int lookaheadRequests = 1024;
    private int resultBatchRows = 64;
    private int resultQueueRows = 1024;
    private StepTimeModel stepTimeModel;

    private Builder(Path model) {
      this.model = model;
    }

    public Builder backend(String name) {
      backend = name;
      return this;
    }

    public Builder threads(int count) {
      threads = count;
      return this;
    }

    public Builder kvBudgetBytes(long bytes) {
      kvBudgetBytes = bytes;
      return this;
    }

    public Builder pageTokens(int tokens) {
      pageTokens = tokens;
      return this;
    }

    public Builder contextTokens(int tokens) {
      contextTokens = tokens;
      return this;
    }

    public Builder budgetTokens(int tokens) {
      budgetTokens = tokens;
      return this;
    }

    public Builder maxSequences(int sequences) {
      maxSequences = sequences;
      return this;
    }

    public Builder stepMetricsEvery(int steps) {
      stepMetricsEvery = steps;
      return this;
    }

    public Builder jobSeed(long seed) {
      jobSeed = seed;
      return this;
    }

    public Builder lookaheadRequests(int requests) {
      lookaheadRequests = requests;
      return this;
    }

    public Builder resultBatchRows(int rows) {
      resultBatchRows = rows;
      return this;
    }

    public Builder resultQueueRows(int rows) {
      resultQueueRows = rows;
      return this;
    }

    public Builder stepTimeModel(StepTimeModel times) {
      stepTimeModel = times;
      return this;
    }

    public EngineConfig build() {
      return new EngineConfig(
          model,
          backend,
          threads,
          kvBudgetBytes,
          pageTokens,
          contextTokens,
          budgetTokens,
          maxSequences,
          stepMetricsEvery,
          jobSeed,
          lookaheadRequests,
          resultBatchRows,
          resultQueueRows,
          stepTimeModel);
    }
  }
}
