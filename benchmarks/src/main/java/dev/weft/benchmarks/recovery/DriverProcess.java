package dev.weft.benchmarks.recovery;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A {@link JobDriver} in a process of its own. */
final class DriverProcess implements AutoCloseable {
  private final Process process;
  private final Writer in;
  private final LinkedBlockingQueue<String> replies = new LinkedBlockingQueue<>();

  /** The stage of the job that runs now. */
  private volatile String stage = "";

  /** Executors that run a task now. */
  private final Map<String, Integer> tasks = new ConcurrentHashMap<>();

  private DriverProcess(Process process) {
    this.process = process;
    this.in = process.outputWriter(StandardCharsets.UTF_8);
    Thread.ofVirtual().start(this::listen);
  }

  /**
   * Starts one and waits until it has its session.
   *
   * @param jvm more JVM options
   */
  static DriverProcess start(LocalCluster cluster, Map<String, String> spark, String... jvm)
      throws Exception {
    List<String> arguments = new ArrayList<>(List.of(jvm));
    arguments.add(JobDriver.class.getName());
    spark.forEach((k, v) -> arguments.addAll(List.of(k, v)));
    DriverProcess driver =
        new DriverProcess(
            cluster.java(
                "driver", "768m", ProcessBuilder.Redirect.PIPE, arguments.toArray(String[]::new)));
    if (driver.await(120).isEmpty()) {
      throw new IOException("the driver did not come up; see " + cluster.log("driver"));
    }
    return driver;
  }

  ProcessHandle handle() {
    return process.toHandle();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  String stage() {
    return stage;
  }

  /** Whether an executor runs a task now. */
  boolean isBusy(String executorId) {
    return tasks.containsKey(executorId);
  }

  /** Gives it something to do; {@link #await} has the reply. */
  void send(JobDriver.Command command) throws IOException {
    stage = "";
    in.write(JobDriver.JSON.writeValueAsString(command) + "\n");
    in.flush();
  }

  /** The next reply; empty if the process ended before it. */
  Optional<JobDriver.Reply> await(int seconds) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (System.nanoTime() < end) {
      String line = replies.poll(100, TimeUnit.MILLISECONDS);
      if (line != null) {
        return Optional.of(JobDriver.JSON.readValue(line, JobDriver.Reply.class));
      }
      if (!process.isAlive() && replies.isEmpty()) {
        return Optional.empty();
      }
    }
    throw new IOException("no reply of the driver within " + seconds + " s");
  }

  private void listen() {
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (line.startsWith(JobDriver.REPLY)) {
          replies.add(line.substring(JobDriver.REPLY.length()));
        } else if (line.startsWith(JobDriver.STAGE)) {
          stage = line.substring(JobDriver.STAGE.length());
        } else if (line.startsWith(JobDriver.TASK_STARTED)) {
          tasks.merge(line.substring(JobDriver.TASK_STARTED.length()), 1, Integer::sum);
        } else if (line.startsWith(JobDriver.TASK_ENDED)) {
          tasks.computeIfPresent(
              line.substring(JobDriver.TASK_ENDED.length()), (id, n) -> n == 1 ? null : n - 1);
        }
      }
    } catch (IOException e) {
      // It was killed.
    }
  }

  /** Lets it end by itself. */
  void end(int seconds) throws Exception {
    in.close();
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      throw new IOException("the driver did not end within " + seconds + " s");
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
