package dev.weft.benchmarks.recovery;

import dev.weft.jobs.run.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * What is done to a run.
 *
 * @param kind what
 * @param atShare when, as a share of an undisturbed job's time
 * @param pauseMillis how long a stopped process stays stopped, or writes fail
 * @param choice which executor or worker, by its remainder
 * @param seed of failing writes
 */
record Fault(Kind kind, double atShare, long pauseMillis, int choice, long seed) {
  /**
   * What the job gives its requests to end, what Spark takes to see it, and time for a busy host.
   */
  private static final int DECOMMISSION_SECONDS = 40;

  /** Kinds of faults. */
  enum Kind {
    /** kill -9 of an executor. */
    KILL_EXECUTOR,
    /** kill -9 of a worker; its executor ends when it notices. */
    KILL_WORKER,
    /** kill -9 of a worker and its executor at once: a host that is lost. */
    KILL_HOST,
    /** kill -9 of the driver. */
    KILL_DRIVER,
    /** SIGSTOP of an executor, SIGCONT before it is missed. */
    STOP_EXECUTOR,
    /** SIGSTOP of an executor, SIGCONT after it was declared lost: it goes on as a zombie. */
    STOP_EXECUTOR_LONG,
    /** SIGSTOP of an executor, then SIGKILL. */
    STOP_AND_KILL_EXECUTOR,
    /** SIGSTOP of the driver, then SIGCONT. */
    STOP_DRIVER,
    /** SIGPWR to an executor: Spark decommissions it, and it must end within seconds. */
    DECOMMISSION_EXECUTOR,
    /** Writes, renames and deletions fail at random for a while, on all processes. */
    FAIL_WRITES;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A quarter kills the driver; nobody is decommissioned. */
  static Fault random(Random random) {
    double which = random.nextDouble();
    Kind kind =
        which < 0.25
            ? Kind.KILL_DRIVER
            : which < 0.45
                ? Kind.KILL_EXECUTOR
                : which < 0.53
                    ? Kind.KILL_WORKER
                    : which < 0.61
                        ? Kind.KILL_HOST
                        : which < 0.69
                            ? Kind.STOP_EXECUTOR
                            : which < 0.73
                                ? Kind.STOP_EXECUTOR_LONG
                                : which < 0.79
                                    ? Kind.STOP_AND_KILL_EXECUTOR
                                    : which < 0.83 ? Kind.STOP_DRIVER : Kind.FAIL_WRITES;
    long pause =
        kind == Kind.STOP_EXECUTOR_LONG
            ? 21_000 + random.nextInt(2_000)
            : 300 + random.nextInt(2_200);
    return new Fault(
        kind, random.nextDouble() * 0.95, pause, random.nextInt(1 << 16), random.nextLong());
  }

  /** Does it; blocks while a process is stopped or writes fail. */
  void inflict(LocalCluster cluster, DriverProcess driver, Path writeSwitch) throws Exception {
    switch (kind) {
      case KILL_EXECUTOR -> kill(executor(cluster));
      case KILL_WORKER -> kill(cluster.worker(choice % cluster.workers()));
      case KILL_HOST -> {
        ProcessHandle worker = cluster.worker(choice % cluster.workers());
        List<ProcessHandle> executors = worker.descendants().toList();
        kill(worker);
        executors.forEach(ProcessHandle::destroyForcibly);
      }
      case KILL_DRIVER -> kill(driver.handle());
      case STOP_EXECUTOR, STOP_EXECUTOR_LONG -> stop(executor(cluster), false);
      case STOP_AND_KILL_EXECUTOR -> stop(executor(cluster), true);
      case STOP_DRIVER -> stop(driver.handle(), false);
      case DECOMMISSION_EXECUTOR -> decommission(cluster, driver);
      case FAIL_WRITES -> {
        Path aside = writeSwitch.resolveSibling("switch.tmp");
        Files.writeString(aside, "0.2 " + seed);
        Files.move(aside, writeSwitch);
        Thread.sleep(pauseMillis);
        Files.deleteIfExists(writeSwitch);
      }
    }
  }

  private ProcessHandle executor(LocalCluster cluster) {
    List<ProcessHandle> executors = cluster.executors();
    return executors.isEmpty() ? null : executors.get(choice % executors.size());
  }

  /** Decommissions an executor whose task has run requests for a while, and sees it end. */
  private void decommission(LocalCluster cluster, DriverProcess driver) throws Exception {
    ProcessHandle process = busyExecutor(cluster, driver);
    signal("-PWR", process);
    process.onExit().get(DECOMMISSION_SECONDS, TimeUnit.SECONDS);
    if (!cluster.anExecutorSaid("tasks finish what runs within")) {
      throw new IOException("no executor ended its tasks when it was decommissioned");
    }
  }

  private ProcessHandle busyExecutor(LocalCluster cluster, DriverProcess driver) throws Exception {
    for (int i = 0; i < DECOMMISSION_SECONDS * 50 && driver.isAlive(); i++) {
      for (ProcessHandle executor : cluster.executors()) {
        String id = LocalCluster.executorId(executor);
        if (driver.stage().equals(Stage.INFER.name()) && driver.isBusy(id)) {
          Thread.sleep(pauseMillis);
          if (driver.isBusy(id)) {
            return executor;
          }
        }
      }
      Thread.sleep(20);
    }
    throw new IOException("no executor ran requests for " + pauseMillis + " ms");
  }

  private static void kill(ProcessHandle process) {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private void stop(ProcessHandle process, boolean thenKill) throws Exception {
    if (process == null) {
      return;
    }
    signal("-STOP", process);
    try {
      Thread.sleep(pauseMillis);
    } finally {
      if (thenKill) {
        process.destroyForcibly();
      } else {
        signal("-CONT", process);
      }
    }
  }

  private static void signal(String signal, ProcessHandle process)
      throws IOException, InterruptedException {
    new ProcessBuilder("kill", signal, Long.toString(process.pid()))
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor(5, TimeUnit.SECONDS);
  }
}
