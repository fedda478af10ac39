package dev.weft.jobs.infer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.batching.cost.CostModel;
import dev.weft.jobs.prepare.ModelFile;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.kv.KvFormat;
import java.io.Serializable;
import java.nio.file.Path;

/**
 * What an executor's engine is made of. Executors with equal specifications share engines, and
 * those only.
 *
 * @param model the model file
 * @param backend {@code auto} or the name of a backend
 * @param device which of its devices, from 0
 * @param threads threads of the kernels; 0 for all cores of the executor
 * @param kvBytes memory for keys and values
 * @param kvFormat in which they are stored
 * @param tensorCores whether a CUDA device multiplies on tensor cores
 * @param cudaGraphs whether a CUDA device replays launches that it recorded
 * @param pageTokens tokens of one KV page
 * @param contextTokens longest sequence of prompt and answer
 * @param budgetTokens most tokens of one step
 * @param maxSequences most sequences at the same time
 * @param stepMetricsEvery one of this many steps is written to the step metrics
 * @param jobSeed makes the random stream of requests without a seed
 * @param tries how often a request may be in flight when an engine is lost before it becomes an
 *     error row
 * @param stepTimeoutSeconds least time after which a step is taken for hung
 * @param drainSeconds time to finish what runs when the process is asked to end
 * @param tuningFolder where an executor keeps which kernels are the fastest on its machine; empty
 *     for nowhere
 * @param costModelJson the calibrated cost model that predicts step times; empty for none
 */
public record EngineSpec(
    ModelFile model,
    String backend,
    int device,
    int threads,
    long kvBytes,
    KvFormat kvFormat,
    boolean tensorCores,
    CudaGraphs cudaGraphs,
    int pageTokens,
    int contextTokens,
    int budgetTokens,
    int maxSequences,
    int stepMetricsEvery,
    long jobSeed,
    int tries,
    int stepTimeoutSeconds,
    int drainSeconds,
    String tuningFolder,
    String costModelJson)
    implements Serializable {
  private static final JsonMapper JSON = new JsonMapper();

  /** The same engine with a cost model. */
  public EngineSpec withCostModel(CostModel cost) {
    try {
      return with(device, JSON.writeValueAsString(cost));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a cost model is plain values", e);
    }
  }

  /** The same engine on another device. */
  EngineSpec onDevice(int number) {
    return with(number, costModelJson);
  }

  private EngineSpec with(int otherDevice, String otherCostModelJson) {
    return new EngineSpec(
        model,
        backend,
        otherDevice,
        threads,
        kvBytes,
        kvFormat,
        tensorCores,
        cudaGraphs,
        pageTokens,
        contextTokens,
        budgetTokens,
        maxSequences,
        stepMetricsEvery,
        jobSeed,
        tries,
        stepTimeoutSeconds,
        drainSeconds,
        tuningFolder,
        otherCostModelJson);
  }

  /** The engine's configuration on this host. */
  EngineConfig config(Path localModel) {
    EngineConfig.Builder builder =
        EngineConfig.builder(localModel)
            .backend(backend)
            .device(device)
            .threads(threads > 0 ? threads : Runtime.getRuntime().availableProcessors())
            .kvBudgetBytes(kvBytes)
            .kvFormat(kvFormat)
            .tensorCores(tensorCores)
            .cudaGraphs(cudaGraphs)
            .pageTokens(pageTokens)
            .contextTokens(contextTokens)
            .budgetTokens(budgetTokens)
            .maxSequences(maxSequences)
            .stepMetricsEvery(stepMetricsEvery)
            .jobSeed(jobSeed)
            .tries(tries)
            .stepTimeoutSeconds(stepTimeoutSeconds)
            .tuningFolder(tuningFolder.isEmpty() ? null : Path.of(tuningFolder));
    if (!costModelJson.isEmpty()) {
      try {
        builder.costModel(JSON.readValue(costModelJson, CostModel.class));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("the cost model was written by this program", e);
      }
    }
    return builder.build();
  }
}
