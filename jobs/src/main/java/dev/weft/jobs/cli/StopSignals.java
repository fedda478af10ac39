package dev.weft.jobs.cli;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.infer.GracefulEnd;
import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.service.launcher.IrqHandler;
import org.apache.spark.SparkContext;

/**
 * SIGTERM and Ctrl-C while a job runs: what runs finishes within the time it has, the rest is
 * handed back, the ledger is written, and the program ends with an error that says so. A second
 * signal ends it at once; also then nothing that was in the ledger is lost.
 */
final class StopSignals implements AutoCloseable {
  /** Time to cancel what Spark still runs, beyond that for requests. */
  private static final int CANCEL_SECONDS = 30;

  private static final int CANCEL_EVERY_MILLIS = 500;

  private final SparkContext spark;
  private final int drainSeconds;
  private final PrintStream err;
  private final AtomicReference<String> signal = new AtomicReference<>();
  private final CountDownLatch ended = new CountDownLatch(1);

  private StopSignals(SparkContext spark, int drainSeconds, PrintStream err) {
    this.spark = spark;
    this.drainSeconds = drainSeconds;
    this.err = err;
  }

  /**
   * Listens until closed. The jobs of this thread become ones that are interrupted when cancelled.
   */
  static StopSignals watch(SparkContext spark, int drainSeconds, PrintStream err) {
    StopSignals signals = new StopSignals(spark, drainSeconds, err);
    spark.setInterruptOnCancel(true);
    new IrqHandler("TERM", data -> signals.stop("SIGTERM")).bind();
    new IrqHandler(IrqHandler.CONTROL_C, data -> signals.stop("Ctrl-C")).bind();
    return signals;
  }

  private void stop(String name) {
    if (!signal.compareAndSet(null, name)) {
      Runtime.getRuntime().halt(ExitCode.FAILED.number());
    }
    err.printf(
        "%nweft: %s: finishing what runs within %d s; the run can be resumed%n",
        name, drainSeconds);
    Thread.ofPlatform().daemon(true).name("weft-stop").start(this::end);
  }

  private void end() {
    try {
      // Local mode: the tasks are in this process. On a cluster, cancelling reaches them.
      GracefulEnd.end(drainSeconds);
      for (int i = 0; i < CANCEL_SECONDS * 1000 / CANCEL_EVERY_MILLIS; i++) {
        spark.cancelAllJobs();
        if (ended.await(CANCEL_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
          return;
        }
      }
    } catch (InterruptedException | IllegalStateException e) {
      // Spark has ended; nothing is left to cancel.
    }
    Runtime.getRuntime().halt(ExitCode.FAILED.number());
  }

  /** What to report in place of a failure: that it was asked for, if it was. */
  RuntimeException explain(RuntimeException failure) {
    String name = signal.get();
    return name == null
        ? failure
        : new WeftException(ErrorCode.RUN_STOPPED, "stopped by " + name, failure);
  }

  @Override
  public void close() {
    ended.countDown();
  }
}
