package dev.weft.jobs.cluster;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A standalone Spark cluster of real processes on the loopback address: one master, some workers,
 * and drivers started by {@code SparkSubmit}. What stands in for a Spark installation is a folder
 * of links to its jars. Every process is ended by {@link #close()}, whatever happened.
 */
final class SparkCluster implements AutoCloseable {
  private static final String ADDRESS = "127.0.0.1";

  private final Path home;
  private final Path logs;
  private final List<String> jvmOptions;
  private final List<Process> processes = new ArrayList<>();
  private String master;

  /**
   * @param lib folder of jars, those of Weft among them, which are left out
   * @param defaults file of Spark properties, whose driver options all processes get
   */
  SparkCluster(Path folder, Path lib, Path defaults) throws IOException {
    home = folder.resolve("spark home");
    logs = Files.createDirectories(folder.resolve("logs"));
    Path jars = Files.createDirectories(home.resolve("jars"));
    Files.createFile(home.resolve("RELEASE"));
    try (Stream<Path> files = Files.list(lib)) {
      for (Path jar : files.filter(SparkCluster::ofSpark).toList()) {
        Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar);
      }
    }
    Properties properties = new Properties();
    try (var in = Files.newBufferedReader(defaults)) {
      properties.load(in);
    }
    jvmOptions = Arrays.asList(properties.getProperty("spark.driver.extraJavaOptions").split(" +"));
  }

  /** A script that finds two GPUs, as conf/gpu-discovery.sh does on a host that has them. */
  private Path discovery(int firstGpu) throws IOException {
    Path script = logs.resolve("gpus-from-" + firstGpu + ".sh");
    Files.writeString(
        script,
        "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"%d\", \"%d\"]}'\n"
            .formatted(firstGpu, firstGpu + 1));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script;
  }

  private static boolean ofSpark(Path jar) {
    return !jar.getFileName()
        .toString()
        .matches("(batching|datasets|udf-kernels|tornado-kernels|jobs|picocli|config)-.*");
  }

  /**
   * Starts the master and {@code workers} workers of one core each, and waits until all are there.
   * Each finds two GPUs, no two of the same number.
   */
  void start(int workers) throws Exception {
    int port = freePort();
    master = "spark://" + ADDRESS + ":" + port;
    start(
        "master",
        "256m",
        List.of(),
        List.of(
            "org.apache.spark.deploy.master.Master",
            "--host",
            ADDRESS,
            "--port",
            "" + port,
            "--webui-port",
            "0"));
    await("the master", () -> isOpen(port));
    for (int i = 0; i < workers; i++) {
      start(
          "worker-" + i,
          "256m",
          List.of(
              "-Dspark.worker.resource.gpu.amount=2",
              "-Dspark.worker.resource.gpu.discoveryScript=" + discovery(2 * i)),
          List.of(
              "org.apache.spark.deploy.worker.Worker",
              "--host",
              ADDRESS,
              "--webui-port",
              "0",
              "--cores",
              "1",
              "--memory",
              "1g",
              "--work-dir",
              logs.resolve("work-" + i).toString(),
              master));
    }
    for (int i = 0; i < workers; i++) {
      Path log = logs.resolve("worker-" + i + ".log");
      await(
          "worker " + i,
          () -> Files.readString(log).contains("Successfully registered with master"));
    }
  }

  /** Runs {@code spark-submit} with the cluster's master and returns its exit code. */
  int submit(int seconds, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("org.apache.spark.deploy.SparkSubmit", "--master", master));
    command.addAll(List.of(arguments));
    Process driver = start("driver", "768m", List.of(), command);
    if (!driver.waitFor(seconds, TimeUnit.SECONDS)) {
      driver.destroyForcibly();
      throw new AssertionError("the driver did not end within " + seconds + " s; see " + logs);
    }
    return driver.exitValue();
  }

  /** What a process wrote: {@code master}, {@code worker-0}, {@code driver}. */
  String log(String name) throws IOException {
    return Files.readString(logs.resolve(name + ".log"));
  }

  /** What the executors of a worker wrote. */
  String executorLog(int worker) throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.walk(logs.resolve("work-" + worker))) {
      for (Path file : files.filter(f -> f.endsWith("stderr")).toList()) {
        text.append(Files.readString(file));
      }
    }
    return text.toString();
  }

  /** Ends all processes and those that they started. */
  @Override
  public void close() {
    for (Process process : processes.reversed()) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private Process start(String name, String heap, List<String> options, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(jvmOptions);
    command.addAll(options);
    command.addAll(List.of("-cp", home.resolve("jars") + File.separator + "*"));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).directory(logs.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(k -> k.startsWith("SPARK_") || k.startsWith("WEFT_"));
    environment.put("SPARK_HOME", home.toString());
    environment.put("SPARK_LOCAL_IP", ADDRESS);
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    // Executors have their worker's environment; PoCL's cache is not made for two processes.
    environment.put("POCL_CACHE_DIR", logs.resolve("pocl-" + name).toString());
    Process process =
        builder
            .redirectErrorStream(true)
            .redirectOutput(logs.resolve(name + ".log").toFile())
            .start();
    processes.add(process);
    return process;
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private void await(String what, Condition condition) throws Exception {
    for (int i = 0; i < 600; i++) {
      if (condition.holds()) {
        return;
      }
      Process last = processes.getLast();
      if (!last.isAlive()) {
        throw new AssertionError(what + " ended with " + last.exitValue() + "; see " + logs);
      }
      Thread.sleep(100);
    }
    throw new AssertionError(what + " did not come up within 60 s; see " + logs);
  }

  private static boolean isOpen(int port) {
    try (Socket socket = new Socket(ADDRESS, port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(ADDRESS))) {
      return socket.getLocalPort();
    }
  }
}
