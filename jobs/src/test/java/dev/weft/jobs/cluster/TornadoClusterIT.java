package dev.weft.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.jobs.job.TestSpark;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged jar on a master with two workers whose executors compute on a device that TornadoVM
 * drives, PoCL's on a machine without a GPU, started as docs/gpu.md says.
 */
class TornadoClusterIT {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));
  private static final Path JAR = Path.of(System.getProperty("weft.spark.jar"));
  private static final int REQUESTS = 12;

  @TempDir Path folder;

  @Test
  @Timeout(1500)
  void answersOfTwoExecutorsAreThoseOfTheProcessor() throws Exception {
    String sdk = System.getenv("TORNADOVM_HOME");
    assumeTrue(
        sdk != null && !sdk.isEmpty(),
        "skipped: TORNADOVM_HOME is not set; the GPU backend is tested where TornadoVM's SDK is");
    Path demo = ROOT.resolve("datasets/demo");
    Path input = folder.resolve("in.jsonl");
    try (Stream<String> lines = Files.lines(demo.resolve("requests.jsonl"))) {
      Files.write(input, lines.limit(REQUESTS).toList());
    }
    try (SparkCluster cluster =
        new SparkCluster(
            folder.resolve("cluster"),
            Path.of(System.getProperty("weft.lib")),
            ROOT.resolve("conf/spark-defaults.conf"))) {
      cluster.start(2);
      List<String> expected = run(cluster, input, "vector", List.of());
      List<String> found =
          run(
              cluster,
              input,
              "tornado",
              List.of(
                  "--conf",
                  "spark.executor.extraJavaOptions=" + gpuArguments(),
                  "--conf",
                  "spark.executor.extraClassPath=" + JAR));
      assertThat(expected).hasSize(REQUESTS).allSatisfy(row -> assertThat(row).contains("\"ok\""));
      assertThat(found).isEqualTo(expected);
      for (int worker = 0; worker < 2; worker++) {
        assertThat(cluster.executorLog(worker)).contains("device plan 1: ");
      }
    }
    JsonNode report = new ObjectMapper().readTree(folder.resolve("tornado/report.json").toFile());
    assertThat(report.at("/engine/engines").asInt()).isEqualTo(2);
  }

  /** What the launcher prints for executors. */
  private static String gpuArguments() throws Exception {
    Process process = new ProcessBuilder(ROOT.resolve("weft").toString(), "gpu-args").start();
    String line = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return line.strip();
  }

  /** Status and text of each request, in order. */
  private List<String> run(SparkCluster cluster, Path input, String backend, List<String> more)
      throws Exception {
    Path output = folder.resolve(backend);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--properties-file",
                ROOT.resolve("conf/spark-defaults.conf").toString(),
                "--class",
                "dev.weft.jobs.cli.Main"));
    for (String setting :
        List.of(
            "spark.executor.memory=768m",
            "spark.executor.cores=1",
            "spark.cores.max=2",
            "spark.scheduler.minRegisteredResourcesRatio=1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime=60s",
            "spark.locality.wait=0s",
            "spark.sql.shuffle.partitions=2",
            "spark.databricks.delta.snapshotPartitions=1",
            "spark.weft.engine.kvBytes=16MiB",
            "spark.weft.engine.budgetTokens=64",
            "spark.weft.engine.maxSequences=8",
            "spark.weft.plan.partitions=2",
            "spark.weft.plan.sampleFraction=0",
            "spark.weft.calibration.seconds=1",
            "spark.weft.calibration.folder=" + folder.resolve("rates"))) {
      arguments.addAll(List.of("--conf", setting));
    }
    arguments.addAll(more);
    arguments.addAll(List.of(JAR.toString(), "run", "--input", input.toString()));
    arguments.addAll(List.of("--model", ROOT.resolve("datasets/demo/weft-demo.gguf").toString()));
    arguments.addAll(List.of("--output", output.toString(), "--backend", backend));
    arguments.addAll(List.of("--max-tokens", "24", "--progress", "plain"));
    int code = cluster.submit(900, arguments.toArray(String[]::new));
    assertThat(code).as(() -> "driver: " + log(cluster)).isZero();
    return TestSpark.session()
        .read()
        .format("delta")
        .load(output + "/results")
        .orderBy("row_key")
        .selectExpr("to_json(struct(id, status, text, finish_reason, output_tokens))")
        .collectAsList()
        .stream()
        .map(row -> row.getString(0))
        .toList();
  }

  private static String log(SparkCluster cluster) {
    try {
      String log = cluster.log("driver");
      return log.substring(Math.max(0, log.length() - 4000));
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }
}
