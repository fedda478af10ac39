package dev.weft.benchmarks.cpu;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.infer.EnginePool;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.Stage;
import dev.weft.kernels.quant.QuantFormat;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/**
 * {@code spark.overhead}: the batch with shared prefixes as a Spark job in local mode against the
 * bare engine in the same order. Start-up is left out: the session, the time to open the engine,
 * and the calibration, which a job makes once for a machine and model.
 */
final class SparkSection {
  private static final String NAME = "spark.overhead";
  private static final int OUTPUT_TOKENS = 64;
  private static final long KV_BYTES = 1L << 30;

  private SparkSection() {}

  static void run(Results results, Setting setting) throws IOException, InterruptedException {
    if (!results.wants(NAME)) {
      return;
    }
    Shape shape = setting.smallShape();
    int outputs = setting.smoke() ? 4 : OUTPUT_TOKENS;
    Path file = shape.file(setting.work(), QuantFormat.Q8_0, setting.seed());
    Path folder = Files.createTempDirectory(setting.work(), "spark");
    try {
      BbhPrompts workload =
          BbhPrompts.read(
              setting.data(), setting.requests(), shape.spec().vocabSize(), setting.seed());
      Path input = write(folder.resolve("requests.jsonl"), workload.prompts(), outputs);
      WeftBatch bare = new WeftBatch(file, setting.threads(), KV_BYTES, outputs);
      try (SparkSession spark = session(setting.threads())) {
        measure(results, setting, spark, bare, workload, file, input, folder);
      }
    } catch (PeerException e) {
      results.add(Line.skipped(NAME, "the bare engine", e.getMessage()));
    } finally {
      delete(folder);
    }
  }

  private static void measure(
      Results results,
      Setting setting,
      SparkSession spark,
      WeftBatch bare,
      BbhPrompts workload,
      Path file,
      Path input,
      Path folder)
      throws PeerException, InterruptedException {
    Map<Stage, Double> stages = new EnumMap<>(Stage.class);
    double[] openSeconds = new double[1];
    int[] number = new int[1];
    Rounds rounds =
        new Rounds()
            .add(
                "bare",
                () -> {
                  WeftBatch.Run run = bare.run(workload.prompts(), true);
                  openSeconds[0] = run.openSeconds();
                  return run.seconds();
                })
            .add(
                "job",
                () -> {
                  // So that every job opens its engine, as every bare run does.
                  EnginePool.closeUnused();
                  Path output = folder.resolve("out" + number[0]++);
                  job(spark, file, input, output, folder, stages, workload.prompts().size());
                  return stages.get(Stage.INFER);
                });
    // The first job calibrates, and both warm up.
    Map<String, Series> seconds = rounds.run(1, setting.quick() ? 1 : setting.longRepetitions());
    double[] infer =
        Arrays.stream(seconds.get("job").values()).map(job -> job - openSeconds[0]).toArray();
    Map<String, Double> more = new LinkedHashMap<>();
    more.put("seconds to open the engine", openSeconds[0]);
    stages.forEach((stage, time) -> more.put("seconds of " + stage.label(), time));
    results.add(
        Line.against(
                NAME,
                new Series(infer),
                "seconds",
                "the bare engine, same order",
                seconds.get("bare"),
                1.05,
                "inference stage less the time to open an engine; target: at most; %d requests, %d tasks, %d output tokens each"
                    .formatted(workload.prompts().size(), workload.tasks(), OUTPUT_TOKENS))
            .with(more));
  }

  private static void job(
      SparkSession spark,
      Path file,
      Path input,
      Path output,
      Path folder,
      Map<Stage, Double> stages,
      int requests)
      throws PeerException {
    Map<String, String> keys = new HashMap<>();
    keys.put("run.id", "bench");
    keys.put("run.deduplicate", "false");
    keys.put("input.paths", input.toString());
    keys.put("model.path", file.toString());
    keys.put("output.path", output.toString());
    keys.put("engine.kvBytes", Long.toString(KV_BYTES));
    keys.put("plan.sampleFraction", "0");
    keys.put("plan.policy", "dfs");
    keys.put("calibration.folder", folder.resolve("calibration").toString());
    RunSummary run =
        WeftJob.run(
            spark,
            WeftConfig.of(keys),
            new ProgressListener() {
              @Override
              public void stageFinished(Stage stage, double seconds) {
                stages.put(stage, seconds);
              }
            });
    if (run.rows().answered() != requests) {
      throw new PeerException(
          "the job answered " + run.rows().answered() + " of " + requests + " requests");
    }
  }

  private static Path write(Path file, List<int[]> prompts, int outputs) throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (BufferedWriter lines = Files.newBufferedWriter(file)) {
      for (int i = 0; i < prompts.size(); i++) {
        ObjectNode line = json.createObjectNode();
        line.put("custom_id", "r" + i).put("method", "POST").put("url", "/v1/completions");
        ObjectNode body = line.putObject("body");
        body.put("max_tokens", outputs).put("temperature", 0);
        var prompt = body.putArray("prompt");
        for (int token : prompts.get(i)) {
          prompt.add(token);
        }
        lines.append(line.toString()).append('\n');
      }
    }
    return file;
  }

  /** As {@code weft run} opens it. */
  private static SparkSession session(int cores) {
    SparkSession spark =
        SparkSession.builder()
            .master("local[" + cores + "]")
            .appName("weft-bench")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.databricks.delta.snapshotPartitions", "2")
            .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config(
                "spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    return spark;
  }

  private static void delete(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(folder)) {
      all.forEach(files::add);
    }
    Collections.reverse(files);
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
