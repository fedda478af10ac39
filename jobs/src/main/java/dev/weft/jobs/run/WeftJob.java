package dev.weft.jobs.run;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
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
    throw new WeftException(ErrorCode.INTERNAL, "not built yet");
  }

  /**
   * Everything up to the plan: validates and tokenizes all rows, orders them and predicts what a
   * run would cost. No request is run and no result is written.
   *
   * @param spark session with Delta's extension and catalog
   * @throws WeftException if the job could not start
   */
  public static PlanSummary plan(SparkSession spark, WeftConfig config, ProgressListener listener) {
    throw new WeftException(ErrorCode.INTERNAL, "not built yet");
  }
}
