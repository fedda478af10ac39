package dev.weft.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.jobs.job.TestSpark;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs of the packaged jar over requests of the demo, on a master with workers whose executors, one
 * each, compute on a device that TornadoVM drives, started as docs/gpu.md says. Each has an output
 * folder of its name; runs of one name continue each other.
 */
final class DeviceRuns implements AutoCloseable {
  static final Path ROOT = Path.of(System.getProperty("weft.project.root"));
  private static final Path JAR = Path.of(System.getProperty("weft.spark.jar"));

  private final Path folder;
  private final Path input;
  private final int workers;
  private final SparkCluster cluster;

  /**
   * Starts the cluster, or skips the test and says why.
   *
   * @param requests that a run answers, in as many partitions as there are workers
   */
  DeviceRuns(Path folder, int requests, int workers) throws Exception {
    String sdk = System.getenv("TORNADOVM_HOME");
    assumeTrue(
        sdk != null && !sdk.isEmpty(),
        "skipped: TORNADOVM_HOME is not set; the GPU backend is tested where TornadoVM's SDK is");
    this.folder = folder;
    this.workers = workers;
    input = folder.resolve("in.jsonl");
    try (Stream<String> lines = Files.lines(ROOT.resolve("datasets/demo/requests.jsonl"))) {
      Files.write(input, lines.limit(requests).toList());
    }
    cluster =
        new SparkCluster(
            folder.resolve("cluster"),
            Path.of(System.getProperty("weft.lib")),
            ROOT.resolve("conf/spark-defaults.conf"));
    try {
      cluster.start(workers);
    } catch (Exception | AssertionError e) {
      cluster.close();
      throw e;
    }
  }

  /** Runs on the processor and returns the exit code. */
  int onProcessor(String name) throws Exception {
    return run(name, "vector", List.of());
  }

  /** Runs on the device and returns the exit code. */
  int onDevice(String name) throws Exception {
    return onDevice(name, "", List.of());
  }

  /**
   * Runs on the device and returns the exit code.
   *
   * @param options more JVM options of the executors
   * @param before what executors have on their class path before the jar
   * @param settings more of Spark, as {@code key=value}
   */
  int onDevice(String name, String options, List<Path> before, String... settings)
      throws Exception {
    List<String> classPath = new ArrayList<>(before.stream().map(Path::toString).toList());
    classPath.add(JAR.toString());
    List<String> more = new ArrayList<>(List.of(settings));
    more.add("spark.executor.extraJavaOptions=" + (gpuArguments() + " " + options).strip());
    more.add("spark.executor.extraClassPath=" + String.join(":", classPath));
    return run(name, "tornado", more);
  }

  /** What the launcher prints for executors. */
  private static String gpuArguments() throws Exception {
    Process process = new ProcessBuilder(ROOT.resolve("weft").toString(), "gpu-args").start();
    String line = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return line.strip();
  }

  private int run(String name, String backend, List<String> more) throws Exception {
    List<String> settings =
        new ArrayList<>(
            List.of(
                "spark.executor.memory=768m",
                "spark.executor.cores=1",
                "spark.cores.max=" + workers,
                "spark.scheduler.minRegisteredResourcesRatio=1.0",
                "spark.scheduler.maxRegisteredResourcesWaitingTime=60s",
                "spark.locality.wait=0s",
                "spark.sql.shuffle.partitions=2",
                "spark.databricks.delta.snapshotPartitions=1",
                "spark.weft.engine.kvBytes=16MiB",
                "spark.weft.engine.budgetTokens=64",
                "spark.weft.engine.maxSequences=8",
                "spark.weft.plan.partitions=" + workers,
                "spark.weft.plan.sampleFraction=0",
                "spark.weft.calibration.seconds=1",
                "spark.weft.calibration.folder=" + folder.resolve("rates")));
    settings.addAll(more);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--properties-file",
                ROOT.resolve("conf/spark-defaults.conf").toString(),
                "--class",
                "dev.weft.jobs.cli.Main"));
    for (String setting : settings) {
      arguments.addAll(List.of("--conf", setting));
    }
    arguments.addAll(List.of(JAR.toString(), "run", "--input", input.toString()));
    arguments.addAll(List.of("--model", ROOT.resolve("datasets/demo/weft-demo.gguf").toString()));
    arguments.addAll(List.of("--output", output(name).toString(), "--backend", backend));
    arguments.addAll(List.of("--max-tokens", "24", "--progress", "plain"));
    return cluster.submit(900, arguments.toArray(String[]::new));
  }

  /** Where the runs of a name leave their tables and reports. */
  Path output(String name) {
    return folder.resolve(name);
  }

  /** Status and text of each request, in order. */
  List<String> answers(String name) {
    return TestSpark.session()
        .read()
        .format("delta")
        .load(output(name) + "/results")
        .orderBy("row_key")
        .selectExpr("to_json(struct(id, status, text, finish_reason, output_tokens))")
        .collectAsList()
        .stream()
        .map(row -> row.getString(0))
        .toList();
  }

  /** The end of what the last run printed. */
  String driverLog() {
    try {
      String log = cluster.log("driver");
      return log.substring(Math.max(0, log.length() - 8000));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** What all executors of a worker wrote. */
  String executorLog(int worker) throws IOException {
    return cluster.executorLog(worker);
  }

  @Override
  public void close() {
    cluster.close();
  }
}
