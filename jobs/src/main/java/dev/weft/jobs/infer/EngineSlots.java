package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;

/**
 * Where tasks run that compute on an engine. An executor has one engine, or one for each of its
 * GPUs; only stages that compute on an engine hold a GPU, and all others run on every core.
 *
 * @param engines engines of one executor
 * @param tasks tasks that use one engine at the same time
 * @param gpus GPUs of one executor
 * @param profile what tasks on an engine hold; empty for what the session says, or nothing
 */
public record EngineSlots(int engines, int tasks, int gpus, Optional<ResourceProfile> profile) {
  private static final String GPU = "gpu";
  private static final String EXECUTOR_GPUS = "spark.executor.resource.gpu.amount";
  private static final String TASK_GPUS = "spark.task.resource.gpu.amount";

  /**
   * The slots of a session's executors.
   *
   * @param local whether tasks run in the driver, where Spark gives out no GPUs
   * @param onDevice whether the backend computes on a GPU
   */
  public static EngineSlots of(SparkConf spark, boolean local, boolean onDevice) {
    int cores = spark.getInt("spark.executor.cores", 1);
    int slots = Math.max(1, cores / Math.max(1, spark.getInt("spark.task.cpus", 1)));
    int gpus = local ? 0 : spark.getInt(EXECUTOR_GPUS, 0);
    if (gpus == 0) {
      return new EngineSlots(1, slots, 0, Optional.empty());
    }
    if (spark.contains(TASK_GPUS)) {
      double amount = spark.getDouble(TASK_GPUS, 1);
      int engines = amount > 1 ? (int) (gpus / amount) : gpus;
      int most = amount >= 1 ? 1 : (int) (1 / amount);
      return new EngineSlots(
          Math.clamp(engines, 1, slots),
          Math.clamp(slots / gpus, 1, Math.max(1, most)),
          gpus,
          Optional.empty());
    }
    if (spark.getBoolean("spark.dynamicAllocation.enabled", false)) {
      // Spark would start further executors for a profile, while the first ones keep their GPUs.
      if (onDevice) {
        throw new WeftException(
            ErrorCode.OPTION_INVALID,
            "with spark.dynamicAllocation.enabled Spark tells tasks no GPU unless %s is set; set it to 1"
                    .formatted(TASK_GPUS)
                + " (or 0.5, 0.25, ... for tasks that share a GPU)");
      }
      return new EngineSlots(1, slots, gpus, Optional.empty());
    }
    // As many tasks share a GPU as are needed to use all cores.
    int tasks = Math.ceilDiv(slots, gpus);
    TaskResourceRequests one = new TaskResourceRequests().resource(GPU, 1.0 / tasks);
    return new EngineSlots(
        Math.min(gpus, slots),
        tasks,
        gpus,
        Optional.of(new ResourceProfileBuilder().require(one).build()));
  }

  /** The same rows, computed where engines are. */
  public <T> JavaRDD<T> on(JavaRDD<T> rows) {
    return profile.map(rows::withResources).orElse(rows);
  }

  /** The number of the GPU that Spark gave to this thread's task; 0 where it gives none. */
  static int device() {
    TaskContext task = TaskContext.get();
    ResourceInformation gpu = task == null ? null : task.resourcesJMap().get(GPU);
    if (gpu == null) {
      return 0;
    }
    String address = gpu.addresses()[0];
    if (!address.matches("\\d{1,4}")) {
      throw new WeftException(
          ErrorCode.OPTION_INVALID,
          "the discovery script names a GPU '%s'; Weft takes numbers from 0, as conf/gpu-discovery.sh prints them"
              .formatted(address));
    }
    return Integer.parseInt(address);
  }
}
