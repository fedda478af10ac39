package dev.weft.jobs.infer;

import org.apache.spark.SparkEnv;
import org.apache.spark.executor.CoarseGrainedExecutorBackend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether Spark is taking this executor away: by a signal from the machine that goes, by the
 * cluster manager, or since there is less to do ({@code spark.decommission.enabled}). Such an
 * executor gets no new tasks, but those that run are not told, and it waits for their end as long
 * as that takes; the machine does not.
 */
final class Decommission {
  private static final Logger LOG = LoggerFactory.getLogger(Decommission.class);
  private static final int LOOK_MILLIS = 200;

  private static volatile boolean unknown;

  private Decommission() {}

  /** Whether this executor is being decommissioned; never in local mode. */
  static boolean isAsked() {
    SparkEnv env = SparkEnv.get();
    if (unknown || env == null || env.executorBackend().isEmpty()) {
      return false;
    }
    try {
      return env.executorBackend().get() instanceof CoarseGrainedExecutorBackend backend
          // The only place that knows of every way to be asked. It has no public name.
          && backend.org$apache$spark$executor$CoarseGrainedExecutorBackend$$decommissioned();
    } catch (LinkageError e) {
      unknown = true;
      LOG.warn(
          "this version of Spark does not tell when an executor is decommissioned: its tasks run on"
              + " until the process ends, and what is in flight then is computed again",
          e);
      return false;
    }
  }

  /** Runs {@code end} once when this executor is being decommissioned. */
  static void watch(Runnable end) {
    SparkEnv env = SparkEnv.get();
    if (env == null || env.executorBackend().isEmpty()) {
      return;
    }
    Thread.ofPlatform()
        .daemon(true)
        .name("weft-decommission")
        .start(
            () -> {
              try {
                while (!isAsked() && !unknown) {
                  Thread.sleep(LOOK_MILLIS);
                }
                if (!unknown) {
                  end.run();
                }
              } catch (InterruptedException e) {
                // Nobody does that but a process that ends.
              }
            });
  }
}
