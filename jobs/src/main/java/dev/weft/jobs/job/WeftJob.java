package dev.weft.jobs.job;

import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.store.StorageErrors;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FSError;
import org.apache.spark.sql.SparkSession;

/**
 * The job: requests in, answers, metrics and a summary out. Everything it does is in the output
 * folder; starting it again with the same configuration continues where it stopped.
 */
public final class WeftJob {
  private WeftJob() {}

  /**
   * Runs, or continues, the job.
   *
   * @param spark session with Delta's extension and catalog
   * @throws WeftException if the job cannot start or cannot end; bad rows never do that unless the
   *     configuration says so
   */
  public static RunSummary run(SparkSession spark, WeftConfig config, ProgressListener listener) {
    return explained(() -> new JobRun(spark, config, listener).run());
  }

  /**
   * Everything up to the plan: validates and tokenizes all rows, orders them and predicts what a
   * run would cost. No request is run and no result is written; a later run goes on from the
   * tokenized rows.
   *
   * @param spark session with Delta's extension and catalog
   * @throws WeftException if the job could not start
   * @throws PlanningInterruptedException if the thread was interrupted while it planned
   */
  public static PlanSummary plan(SparkSession spark, WeftConfig config, ProgressListener listener) {
    return explained(
        () -> {
          if (!config.output().path().isBlank()) {
            return new JobRun(spark, config, listener).plan();
          }
          try (TemporaryOutput output = TemporaryOutput.create(spark)) {
            return new JobRun(spark, output.in(config), listener).plan();
          }
        });
  }

  /** Finds the error of the catalogue in what Spark wraps around it. */
  private static <T> T explained(Supplier<T> work) {
    try {
      return work.get();
    } catch (Exception | FSError e) {
      // Scala throws checked exceptions without declaring them.
      Throwable last = e;
      for (Throwable t = e; t != null && t.getCause() != t; t = t.getCause()) {
        if (t instanceof WeftException own) {
          throw own;
        }
        if (t instanceof PlanningInterruptedException interrupted) {
          throw interrupted;
        }
        last = t;
      }
      if (StorageErrors.within(e)) {
        throw StorageErrors.of("storage failed", e);
      }
      throw new WeftException(
          ErrorCode.INTERNAL, last.getClass().getSimpleName() + ": " + last.getMessage(), e);
    }
  }
}
