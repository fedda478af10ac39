package dev.weft.jobs.infer;

import dev.weft.kernels.engine.EngineInfo;
import dev.weft.kernels.engine.EngineTotals;
import java.io.Serializable;
import java.util.List;

/**
 * What a finished partition tells the driver.
 *
 * @param partition its number
 * @param results rows it wrote: one for each request and sample
 * @param seconds from its first request to its last result
 * @param engineId the engine that ran it
 * @param backend the engine's kernel backend
 * @param threads the engine's threads
 * @param kvTokens tokens that the engine's KV cache holds
 * @param weightBytes bytes of the weights in the engine's memory
 * @param contextTokens longest sequence
 * @param loadSeconds time it took to open the engine
 * @param warnings what runs slower or less exactly than it should
 * @param earlierAttempts attempts of the task that failed or were lost before this one
 * @param engineFailures why engines of this attempt failed that were replaced
 * @param before the engine's sums before the partition
 * @param after and after it
 */
public record PartitionReport(
    int partition,
    long results,
    double seconds,
    String engineId,
    String backend,
    int threads,
    long kvTokens,
    long weightBytes,
    int contextTokens,
    double loadSeconds,
    List<String> warnings,
    int earlierAttempts,
    List<String> engineFailures,
    Sums before,
    Sums after)
    implements Serializable {

  /** The part of {@link EngineTotals} that the summary needs. */
  public record Sums(
      long steps,
      long failedSteps,
      double busySeconds,
      double predictedSeconds,
      double energyJoules)
      implements Serializable {
    static Sums of(EngineTotals t) {
      return new Sums(
          t.steps(), t.failedSteps(), t.busySeconds(), t.predictedSeconds(), t.energyJoules());
    }
  }

  static PartitionReport of(int partition, PartitionRun run, int earlierAttempts, double seconds) {
    EnginePool.Lease lease = run.lease();
    EngineInfo info = lease.engine().info();
    return new PartitionReport(
        partition,
        run.results(),
        seconds,
        lease.engineId(),
        info.backend(),
        info.threads(),
        (long) info.kvPages() * info.pageTokens(),
        info.weightBytes(),
        info.contextTokens(),
        info.loadSeconds(),
        List.copyOf(info.warnings()),
        earlierAttempts,
        List.copyOf(run.engineFailures()),
        Sums.of(lease.before()),
        Sums.of(lease.engine().totals()));
  }
}
