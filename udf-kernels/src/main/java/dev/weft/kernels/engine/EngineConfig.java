package dev.weft.kernels.engine;

import dev.weft.batching.cost.CostModel;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import java.nio.file.Path;
import java.util.Objects;

/**
 * What an engine is made of. Nothing here but {@code model}, {@code backend}, {@code kvFormat},
 * {@code tensorCores}, {@code contextTokens} and {@code jobSeed} changes answers; {@code device}
 * only where devices of different kinds are mixed.
 *
 * @param model GGUF file
 * @param backend {@code auto} or the name of a backend
 * @param device which of the backend's devices, from 0
 * @param threads threads of the kernels, at least 1
 * @param kvBudgetBytes memory for keys and values
 * @param kvFormat in which keys and values are stored
 * @param tensorCores whether a CUDA device multiplies on tensor cores, with activations rounded to
 *     f16; other backends and devices refuse it
 * @param cudaGraphs whether a CUDA device replays launches that it recorded; other backends and
 *     devices refuse {@code TRUE}
 * @param pageTokens tokens of one KV page; the kernels have pages of 16
 * @param contextTokens longest sequence of prompt and answer; 0 for the model's own limit
 * @param budgetTokens most tokens of one step
 * @param maxSequences most sequences that run at the same time
 * @param stepMetricsEvery one of this many steps gives a row of metrics; 0 for all of a short run
 *     and ever fewer of a long one, so that rows grow with the logarithm of the steps
 * @param jobSeed makes the random stream of requests without a seed of their own, with their id
 * @param lookaheadRequests most requests of a stream that are read ahead. Within them the two sides
 *     of a plan are mixed, so it should hold a whole partition; it bounds the memory on the heap
 * @param resultBatchRows most rows of a batch of results
 * @param resultQueueRows finished rows of a stream that wait for its reader. When all streams are
 *     there, the engine waits; beyond it no further requests are read
 * @param tries how often a request may be part of a step that fails, the last times alone, before
 *     it becomes an error row
 * @param stepTimeoutSeconds a step that takes this long, and a hundred times what was predicted, is
 *     taken for hung
 * @param tuningFolder where a backend keeps what it measured of this machine to choose between
 *     kernels of the same answers; null for nowhere
 * @param costModel predicts step times for the metrics, and lets requests of both sides be mixed;
 *     null for neither: then requests run in the order given
 */
public record EngineConfig(
    Path model,
    String backend,
    int device,
    int threads,
    long kvBudgetBytes,
    KvFormat kvFormat,
    boolean tensorCores,
    CudaGraphs cudaGraphs,
    int pageTokens,
    int contextTokens,
    int budgetTokens,
    int maxSequences,
    int stepMetricsEvery,
    long jobSeed,
    int lookaheadRequests,
    int resultBatchRows,
    int resultQueueRows,
    int tries,
    int stepTimeoutSeconds,
    Path tuningFolder,
    CostModel costModel) {

  public EngineConfig {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(backend, "backend");
    Objects.requireNonNull(kvFormat, "kvFormat");
    Objects.requireNonNull(cudaGraphs, "cudaGraphs");
    atLeast(0, device, "device");
    atLeast(1, threads, "threads");
    atLeast(1, kvBudgetBytes, "kvBudgetBytes");
    if (pageTokens != KvConfig.PAGE_TOKENS) {
      throw new IllegalArgumentException(
          "engine setting pageTokens is "
              + pageTokens
              + "; the kernels have pages of "
              + KvConfig.PAGE_TOKENS);
    }
    atLeast(0, contextTokens, "contextTokens");
    atLeast(1, budgetTokens, "budgetTokens");
    atLeast(1, maxSequences, "maxSequences");
    atLeast(0, stepMetricsEvery, "stepMetricsEvery");
    atLeast(1, lookaheadRequests, "lookaheadRequests");
    atLeast(1, resultBatchRows, "resultBatchRows");
    atLeast(1, resultQueueRows, "resultQueueRows");
    atLeast(1, tries, "tries");
    atLeast(1, stepTimeoutSeconds, "stepTimeoutSeconds");
  }

  public static Builder builder(Path model) {
    return new Builder(model);
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
    private int device;
    private int threads = Runtime.getRuntime().availableProcessors();
    private long kvBudgetBytes = 512L << 20;
    private KvFormat kvFormat = KvFormat.F32;
    private boolean tensorCores;
    private CudaGraphs cudaGraphs = CudaGraphs.AUTO;
    private int pageTokens = KvConfig.PAGE_TOKENS;
    private int contextTokens;
    private int budgetTokens = 256;
    private int maxSequences = 64;
    private int stepMetricsEvery;
    private long jobSeed = 42;
    private int lookaheadRequests = 16_384;
    private int resultBatchRows = 64;
    private int resultQueueRows = 1024;
    private int tries = 3;
    private int stepTimeoutSeconds = 300;
    private Path tuningFolder;
    private CostModel costModel;

    private Builder(Path model) {
      this.model = model;
    }

    public Builder backend(String name) {
      backend = name;
      return this;
    }

    public Builder device(int number) {
      device = number;
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

    public Builder kvFormat(KvFormat format) {
      kvFormat = format;
      return this;
    }

    public Builder tensorCores(boolean use) {
      tensorCores = use;
      return this;
    }

    public Builder cudaGraphs(CudaGraphs use) {
      cudaGraphs = use;
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

    public Builder tries(int count) {
      tries = count;
      return this;
    }

    public Builder stepTimeoutSeconds(int seconds) {
      stepTimeoutSeconds = seconds;
      return this;
    }

    public Builder tuningFolder(Path folder) {
      tuningFolder = folder;
      return this;
    }

    public Builder costModel(CostModel model) {
      costModel = model;
      return this;
    }

    public EngineConfig build() {
      return new EngineConfig(
          model,
          backend,
          device,
          threads,
          kvBudgetBytes,
          kvFormat,
          tensorCores,
          cudaGraphs,
          pageTokens,
          contextTokens,
          budgetTokens,
          maxSequences,
          stepMetricsEvery,
          jobSeed,
          lookaheadRequests,
          resultBatchRows,
          resultQueueRows,
          tries,
          stepTimeoutSeconds,
          tuningFolder,
          costModel);
    }
  }
}
