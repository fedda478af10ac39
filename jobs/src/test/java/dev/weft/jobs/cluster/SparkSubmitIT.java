package dev.weft.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The packaged jar on a real master with two workers, started as README says, on executors with
 * GPUs that are only numbers.
 */
class SparkSubmitIT {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));
  private static final Path JAR = Path.of(System.getProperty("weft.spark.jar"));
  private static final int REQUESTS = 24;

  @Test
  @Timeout(400)
  void everyRowIsAnsweredOnTwoWorkers() throws Exception {
    Path folder = fresh(Path.of("target", "cluster it").toAbsolutePath());
    Path demo = ROOT.resolve("datasets/demo");
    Path input = folder.resolve("some requests.jsonl");
    try (Stream<String> lines = Files.lines(demo.resolve("requests.jsonl"))) {
      Files.write(input, lines.limit(REQUESTS).toList());
    }
    Path output = folder.resolve("output");
    Path events = Files.createDirectories(folder.resolve("events"));
    try (SparkCluster cluster =
        new SparkCluster(
            folder,
            Path.of(System.getProperty("weft.lib")),
            ROOT.resolve("conf/spark-defaults.conf"))) {
      cluster.start(2);
      int code =
          cluster.submit(
              300,
              "--properties-file",
              ROOT.resolve("conf/spark-defaults.conf").toString(),
              "--conf",
              "spark.executor.memory=768m",
              "--conf",
              "spark.executor.cores=1",
              "--conf",
              "spark.executor.resource.gpu.amount=1",
              "--conf",
              "spark.eventLog.enabled=true",
              "--conf",
              "spark.eventLog.compress=false",
              "--conf",
              "spark.eventLog.dir=" + events.toUri(),
              "--conf",
              "spark.cores.max=2",
              // Both executors must be there before the first task, or one could do all the work.
              "--conf",
              "spark.scheduler.minRegisteredResourcesRatio=1.0",
              "--conf",
              "spark.scheduler.maxRegisteredResourcesWaitingTime=60s",
              "--conf",
              "spark.locality.wait=0s",
              "--conf",
              "spark.sql.shuffle.partitions=2",
              "--conf",
              "spark.databricks.delta.snapshotPartitions=1",
              "--conf",
              "spark.weft.engine.kvBytes=64MiB",
              "--conf",
              "spark.weft.plan.partitions=2",
              "--conf",
              "spark.weft.calibration.folder=" + folder.resolve("calibration"),
              "--conf",
              "spark.weft.calibration.seconds=1",
              "--class",
              "dev.weft.jobs.cli.Main",
              JAR.toString(),
              "run",
              "--input",
              input.toString(),
              "--model",
              demo.resolve("weft-demo.gguf").toString(),
              "--output",
              output.toString(),
              "--progress",
              "plain");
      assertThat(code).as(() -> "driver: " + tail(cluster)).isZero();
      assertThat(cluster.executorLog(0))
          .containsPattern("partition \\d computes on device [01]\\b");
      assertThat(cluster.executorLog(1))
          .containsPattern("partition \\d computes on device [23]\\b");
    }
    onlyEnginesHoldGpus(events);
    JsonNode report = new ObjectMapper().readTree(output.resolve("report.json").toFile());
    assertThat(report.at("/rows/total").asInt()).isEqualTo(REQUESTS);
    assertThat(report.at("/rows/answered").asInt()).isEqualTo(REQUESTS);
    assertThat(report.at("/engine/engines").asInt())
        .as("executors that ran an engine")
        .isEqualTo(2);
    assertThat(report.at("/partitions")).hasSize(2);
    assertThat(report.at("/configuration/engine.kvBytes").asText()).isEqualTo("67108864");
  }

  /** Stages with a resource profile of their own are those that open an engine. */
  private static void onlyEnginesHoldGpus(Path events) throws IOException {
    ObjectMapper json = new ObjectMapper();
    Map<Boolean, Set<String>> stages = Map.of(true, new TreeSet<>(), false, new TreeSet<>());
    try (Stream<Path> files = Files.walk(events)) {
      for (Path file :
          files.filter(Files::isRegularFile).filter(f -> !f.toString().endsWith(".crc")).toList()) {
        for (String line : Files.readAllLines(file)) {
          JsonNode event = json.readTree(line);
          if (event.path("Event").asText().equals("SparkListenerStageSubmitted")) {
            JsonNode stage = event.path("Stage Info");
            stages
                .get(stage.path("Resource Profile Id").asInt() != 0)
                .add(stage.path("Stage Name").asText().replaceAll(" at |:.*", " ").strip());
          }
        }
      }
    }
    assertThat(stages.get(true))
        .containsExactlyInAnyOrder("first DeviceCalibration.java", "collect InferStage.java");
    assertThat(stages.get(false)).isNotEmpty();
  }

  @Test
  void theJarHoldsOnlyWhatSparkDoesNotBring() throws Exception {
    try (java.util.jar.JarFile jar = new java.util.jar.JarFile(JAR.toFile())) {
      List<String> foreign =
          jar.stream()
              .map(e -> e.getName())
              .filter(n -> n.endsWith(".class"))
              .filter(n -> !n.startsWith("dev/weft/"))
              .toList();
      assertThat(foreign).isEmpty();
      assertThat(jar.getEntry("dev/weft/kernels/engine/Engine.class")).isNotNull();
      assertThat(jar.getEntry("dev/weft/shaded/picocli/CommandLine.class")).isNotNull();
      assertThat(jar.getManifest().getMainAttributes().getValue("Main-Class"))
          .isEqualTo("dev.weft.jobs.cli.Main");
    }
    assertThat(Files.size(JAR)).as("bytes of the jar").isLessThan(10L << 20);
  }

  private static String tail(SparkCluster cluster) {
    try {
      String log = cluster.log("driver");
      return log.substring(Math.max(0, log.length() - 4000));
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }

  private static Path fresh(Path folder) throws java.io.IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    return Files.createDirectories(folder);
  }
}
