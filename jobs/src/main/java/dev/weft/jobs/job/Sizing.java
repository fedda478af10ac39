package dev.weft.jobs.job;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.infer.EngineSlots;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.prepare.ModelFacts;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Sizes that the configuration leaves to Weft.
 *
 * @param engines engines that will run: one for each executor, or for each GPU
 * @param tasks tasks that use one engine at the same time
 * @param threads threads of one engine; 0 for all cores of its host
 * @param kvBytes memory for keys and values of one engine
 * @param kvTokens tokens that it holds
 */
record Sizing(int engines, int tasks, int threads, long kvBytes, long kvTokens) {
  private static final long MOST_KV_BYTES = 16L << 30;
  private static final long LEAST_KV_BYTES = 16L << 20;

  /**
   * @param slots where engines are
   * @param neededTokens tokens of all prompts and answers together: more KV memory is of no use
   */
  static Sizing of(
      SparkSession spark, EngineSlots slots, WeftConfig config, JobSetup setup, long neededTokens) {
    ModelFacts model = setup.model();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    boolean local = context.isLocal();
    int executors =
        local
            ? 1
            : Math.max(
                context.getConf().getInt("spark.executor.instances", 1),
                spark.sparkContext().statusTracker().getExecutorInfos().length - 1);
    int engines = executors * slots.engines();
    int threads = config.engine().threads();
    if (threads == 0) {
      threads =
          local
              ? Math.min(context.defaultParallelism(), Runtime.getRuntime().availableProcessors())
              : context.getConf().getInt("spark.executor.cores", 0);
    }
    double tokenBytes = model.shape(config.engine().kvFormat()).kvBytesPerToken();
    long kvBytes = config.engine().kvBytes();
    if (kvBytes == 0) {
      long pages =
          neededTokens / config.engine().pageTokens() + config.engine().maxSequences() + 64;
      long useful = (long) (pages * config.engine().pageTokens() * tokenBytes);
      kvBytes = Math.clamp(useful, LEAST_KV_BYTES, Math.max(LEAST_KV_BYTES, available(setup)));
    }
    return new Sizing(
        engines,
        // One if there is one engine: then no partition has to be waited for.
        engines == 1 ? 1 : slots.tasks(),
        threads,
        kvBytes,
        Math.max(1, (long) (kvBytes / tokenBytes)));
  }

  /**
   * Of a device, four fifths of what the weights leave. Else half of what the machine has beyond
   * heap and weights, which are there twice: file and repacked.
   */
  private static long available(JobSetup setup) {
    long weightBytes = setup.model().weightBytes();
    if (setup.deviceBytes() > 0) {
      return (setup.deviceBytes() - weightBytes) / 5 * 4;
    }
    var os =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long beyondHeap =
        os.getTotalMemorySize()
            - Math.min(Runtime.getRuntime().maxMemory(), os.getTotalMemorySize() / 2);
    return Math.min(MOST_KV_BYTES, (beyondHeap - 2 * weightBytes) / 2);
  }

  /** The engine of these sizes. */
  EngineSpec engine(WeftConfig config, JobSetup setup, int metricsEvery) {
    return new EngineSpec(
        setup.modelFile(),
        setup.backend(),
        0,
        threads,
        kvBytes,
        config.engine().kvFormat(),
        config.engine().tensorCores(),
        config.engine().cudaGraphs(),
        config.engine().pageTokens(),
        setup.contextTokens(),
        config.engine().budgetTokens(),
        config.engine().maxSequences(),
        metricsEvery,
        config.run().seed(),
        config.engine().tries(),
        config.engine().stepTimeoutSeconds(),
        config.engine().drainSeconds(),
        config.calibration().folder(),
        "");
  }

  static long sum(int[] values) {
    return Arrays.stream(values).asLongStream().sum();
  }
}
