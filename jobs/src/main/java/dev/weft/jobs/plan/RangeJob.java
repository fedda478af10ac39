package dev.weft.jobs.plan;

import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.request.PlanningInterruptedException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.SparkJobInfo;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.JavaSparkStatusTracker;

/** A Spark job of the planner that tells how far it is and ends when its thread is interrupted. */
final class RangeJob {
  private static final long POLL_MILLIS = 200;

  private RangeJob() {}

  /**
   * Collects the rows of all partitions in order.
   *
   * @param what name of the stage for {@code progress}
   * @param from part of the whole that is done before it
   * @param to part of the whole that is done after it
   * @throws PlanningInterruptedException if the thread is interrupted; the job is cancelled
   */
  static <T> List<T> collect(
      JavaRDD<T> rows, String what, double from, double to, PlanProgress progress) {
    progress.at(what, from);
    JavaFutureAction<List<T>> job = rows.collectAsync();
    JavaSparkStatusTracker tracker =
        JavaSparkContext.fromSparkContext(rows.context()).statusTracker();
    try {
      while (true) {
        PlanningInterruptedException.check();
        try {
          return job.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          progress.at(what, from + (to - from) * done(tracker, job.jobIds()));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      PlanningInterruptedException.check();
      throw new IllegalStateException(e);
    } catch (ExecutionException e) {
      throw RangeJob.<RuntimeException>asIs(e.getCause());
    } finally {
      if (!job.isDone()) {
        job.cancel(true);
      }
    }
  }

  private static double done(JavaSparkStatusTracker tracker, List<Integer> jobs) {
    double tasks = 0;
    double completed = 0;
    for (int id : jobs) {
      SparkJobInfo info = tracker.getJobInfo(id);
      for (int stage : info == null ? new int[0] : info.stageIds()) {
        SparkStageInfo of = tracker.getStageInfo(stage);
        tasks += of == null ? 0 : of.numTasks();
        completed += of == null ? 0 : of.numCompletedTasks();
      }
    }
    return tasks == 0 ? 0 : completed / tasks;
  }

  /** What Spark throws, checked or not, as its own blocking calls do. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E asIs(Throwable cause) throws E {
    throw (E) cause;
  }
}
