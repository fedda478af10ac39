package dev.weft.benchmarks.recovery;

import dev.weft.benchmarks.process.ProcessState;
import dev.weft.benchmarks.process.Trend;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/** Jobs one after the other in one Spark application, and what they leave behind. */
final class Soak {
  private static final int REQUESTS = 40;

  /** Jobs that fill caches, at least and as a share of all; no slope is fit through them. */
  private static final double WARM_UP_SHARE = 1.0 / 3;

  /**
   * What is measured after each job.
   *
   * @param floor growth over all measured jobs that is no leak
   */
  private record Gauge(String name, String unit, double floor) {}

  private static final List<Gauge> GAUGES =
      List.of(
          new Gauge("heap_after_gc", "MiB", 24),
          new Gauge("rss", "MiB", 96),
          new Gauge("direct_buffers", "MiB", 8),
          new Gauge("open_files", "files", 10),
          new Gauge("temporary_folders", "folders", 4));

  /**
   * Pools keep idle threads for up to a minute, so how many there are after a job depends on how
   * long jobs take. At rest only those are left that somebody keeps.
   */
  private static final int REST_SECONDS = 75;

  private static final int MORE_THREADS_AT_REST = 6;

  private Soak() {}

  static void run(Path demo, Path folder, int minutes, Measurements results) throws Exception {
    Folders.delete(folder);
    Files.createDirectories(folder);
    Path input = folder.resolve("requests.jsonl");
    try (Stream<String> lines = Files.lines(demo.resolve("requests.jsonl"))) {
      Files.write(input, lines.limit(REQUESTS).toList());
    }
    List<Map<String, Double>> samples = new ArrayList<>();
    long nanos = minutes * 60_000_000_000L;
    long end = System.nanoTime() + nanos;
    int threadsBefore = 0;
    try (SparkSession spark = LocalJob.session(2)) {
      for (int job = 0; System.nanoTime() - end < 0; job++) {
        Path output = folder.resolve("out-" + job);
        Map<String, String> keys = new HashMap<>();
        keys.put("input.paths", input.toString());
        keys.put("model.path", demo.resolve("weft-demo.gguf").toString());
        keys.put("output.path", output.toString());
        keys.put("run.seed", "" + job);
        keys.put("sampling.temperature", "0.7");
        keys.put("engine.kvBytes", "64MiB");
        keys.put("calibration.folder", folder.resolve("calibration").toString());
        long began = System.nanoTime();
        RunSummary run = WeftJob.run(spark, WeftConfig.of(keys), ProgressListener.none());
        double seconds = (System.nanoTime() - began) / 1e9;
        if (run.rows().answered() != REQUESTS) {
          throw new IOException(
              "job %d answered %d of %d rows".formatted(job, run.rows().answered(), REQUESTS));
        }
        Folders.delete(output);
        Map<String, Double> sample = sample();
        samples.add(sample);
        results.add("soak.job", job, "job", with(sample, seconds));
        if (threadsBefore == 0 && end - System.nanoTime() < (1 - WARM_UP_SHARE) * nanos) {
          threadsBefore = threadsAtRest();
        }
      }
      judgeThreads(threadsBefore, threadsAtRest(), results);
    }
    judge(samples, results);
    Folders.delete(folder);
  }

  private static Map<String, Object> with(Map<String, Double> sample, double seconds) {
    Map<String, Object> fields = new LinkedHashMap<>(sample);
    fields.put("seconds", seconds);
    return fields;
  }

  private static Map<String, Double> sample() throws IOException, InterruptedException {
    ProcessState state = ProcessState.now();
    Map<String, Double> sample = new LinkedHashMap<>();
    sample.put("heap_after_gc", state.heapMib());
    sample.put("rss", state.residentMib());
    sample.put("direct_buffers", state.directMib());
    sample.put("threads", (double) state.threads());
    sample.put("open_files", (double) state.openFiles());
    sample.put("temporary_folders", (double) temporaryFolders());
    return sample;
  }

  /**
   * What Spark and Weft make in the folder for temporary files; other programs' are not counted.
   */
  private static long temporaryFolders() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(n -> n.startsWith("spark-") || n.startsWith("blockmgr-") || n.startsWith("weft"))
          .count();
    }
  }

  private static int threadsAtRest() throws InterruptedException {
    Thread.sleep(1000L * REST_SECONDS);
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  private static void judgeThreads(int before, int after, Measurements results) throws IOException {
    results.add(
        "soak.threads_at_rest",
        after,
        "threads",
        Map.of(
            "after_warm_up",
            before,
            "allowed_growth",
            MORE_THREADS_AT_REST,
            "verdict",
            after - before > MORE_THREADS_AT_REST ? "grows" : "does not grow"));
  }

  private static void judge(List<Map<String, Double>> samples, Measurements results)
      throws IOException {
    int first = (int) (samples.size() * WARM_UP_SHARE);
    int count = samples.size() - first;
    results.add("soak.jobs", samples.size(), "jobs", Map.of("measured", count));
    for (Gauge gauge : GAUGES) {
      double[] values =
          samples.stream().skip(first).mapToDouble(s -> s.get(gauge.name())).toArray();
      double slope = Trend.slope(values);
      double growth = slope * count;
      boolean leak = growth > Math.max(gauge.floor(), 0.05 * Trend.median(values));
      String verdict = count < 10 ? "too few jobs for a verdict" : leak ? "grows" : "does not grow";
      results.add(
          "soak." + gauge.name() + ".slope",
          slope,
          gauge.unit() + " per job",
          Map.of(
              "median",
              Trend.median(values),
              "growth",
              growth,
              "allowed_growth",
              Math.max(gauge.floor(), 0.05 * Trend.median(values)),
              "verdict",
              verdict));
    }
  }
}
