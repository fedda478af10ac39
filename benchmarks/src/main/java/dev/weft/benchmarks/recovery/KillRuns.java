package dev.weft.benchmarks.recovery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Runs of a real job on a real cluster, each disturbed at a random moment and started again until
 * it is done; then its results are compared with those of the undisturbed run.
 */
final class KillRuns {
  /** Rows of a ledger piece; what an executor has finished and not yet written is below it. */
  private static final int PIECE_ROWS = 8;

  private static final int REPLY_SECONDS = 600;
  private static final int MOST_STARTS = 12;
  private static final int CHECKS = 3;

  /**
   * What is run.
   *
   * @param demo folder of the demo's model and requests; null for a tiny model of random weights on
   *     the scalar backend, which needs no warm-up: a run is then all reading, planning, writing
   * @param requests how many of them
   * @param runs disturbed runs
   * @param faults makes the fault of a run
   */
  record Setting(Path demo, int requests, int runs, long seed, Function<Random, Fault> faults) {
    String workload() {
      return "%d requests of the %s model on 2 executors of 1 core"
          .formatted(requests, demo == null ? "tiny" : "demo");
    }
  }

  /** Sums over the runs, and which runs broke a promise. */
  static final class Sums {
    int runs;
    long requests;
    long lost;
    long duplicated;
    long changed;
    long repeated;
    int starts;
    int lastStarts;
    int resumes;
    int unfinished;
    double seconds;
    final Map<String, Integer> kinds = new TreeMap<>();
    final List<String> broken = new ArrayList<>();

    double recomputedShare() {
      return requests == 0 ? 0 : (double) repeated / requests;
    }
  }

  private final Setting setting;
  private final Path folder;
  private final LocalCluster cluster;
  private final Path input;
  private final Path model;
  private final Path writeSwitch;
  private DriverProcess driver;

  private KillRuns(Setting setting, Path folder, LocalCluster cluster) throws IOException {
    this.setting = setting;
    this.folder = folder;
    this.cluster = cluster;
    input = folder.resolve("requests.jsonl");
    writeSwitch = folder.resolve("writes.fail");
    if (setting.demo() == null) {
      model = folder.resolve("tiny.gguf");
      TinyModel.write(model);
      Files.write(input, tinyRequests(setting.requests()));
    } else {
      model = setting.demo().resolve("weft-demo.gguf");
      Files.write(input, someOf(setting.demo().resolve("requests.jsonl"), setting.requests()));
    }
  }

  private static List<String> someOf(Path requests, int count) throws IOException {
    try (Stream<String> lines = Files.lines(requests)) {
      List<String> all = lines.toList();
      int stride = Math.max(1, all.size() / count);
      List<String> some = new ArrayList<>();
      for (int i = 0; i < all.size() && some.size() < count; i += stride) {
        some.add(all.get(i));
      }
      return some;
    }
  }

  /** Prompts with shared prefixes, and answers of very different lengths. */
  private static List<String> tinyRequests(int count) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      lines.add(
          "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"%s, row %d\",\"max_tokens\":%d}}"
              .formatted(
                  i, "a prefix of group %d ".formatted(i % 7).repeat(4), i, 4 + i * 37 % 120));
    }
    return lines;
  }

  /**
   * Runs them all in {@code folder}, which is deleted afterwards if no promise was broken.
   *
   * @param progress hears one line for each run
   */
  static Sums run(Setting setting, Path folder, Consumer<String> progress) throws Exception {
    Folders.delete(folder);
    Files.createDirectories(folder);
    Sums sums;
    try (LocalCluster cluster = new LocalCluster(folder, 2)) {
      cluster.start();
      sums = new KillRuns(setting, folder, cluster).runAll(progress);
    }
    if (sums.broken.isEmpty()) {
      Folders.delete(folder);
    }
    return sums;
  }

  private Sums runAll(Consumer<String> progress) throws Exception {
    Sums sums = new Sums();
    try {
      if (cluster.canCacheClasses()) {
        cacheClasses();
      }
      String reference = folder.resolve("reference").toString();
      // The first warms the driver up, the second says how long a job takes.
      finish(job("first", folder.resolve("warm-up").toString()));
      JobDriver.Reply undisturbed = finish(job("undisturbed", reference));
      double jobSeconds = undisturbed.seconds();
      progress.accept(
          String.format(
              Locale.ROOT, "undisturbed: %d rows in %.1f s", undisturbed.rows(), jobSeconds));
      for (int i = 0; i < setting.runs(); i++) {
        disturbed(i, jobSeconds, reference, sums, progress);
        cluster.deleteExecutorLogs();
      }
    } finally {
      Files.deleteIfExists(writeSwitch);
      if (driver != null) {
        driver.close();
      }
    }
    return sums;
  }

  /** Hundreds of JVMs are started: most of their first seconds is the loading of classes. */
  private void cacheClasses() throws Exception {
    Path cache = folder.resolve("classes.aot");
    Map<String, String> local = spark();
    local.put("spark.master", "local[1]");
    driver = DriverProcess.start(cluster, local, "-XX:AOTCacheOutput=" + cache);
    finish(job("training", folder.resolve("training").toString()));
    driver.end(600);
    if (Files.exists(cache)) {
      cluster.cacheClasses(cache);
    }
  }

  private void disturbed(
      int index, double jobSeconds, String reference, Sums sums, Consumer<String> progress)
      throws Exception {
    long seed = setting.seed() + index;
    Random random = new Random(seed * 0x9E3779B97F4A7C15L);
    Fault fault = setting.faults().apply(random);
    String scheme = fault.kind() == Fault.Kind.FAIL_WRITES ? FlakyFileSystem.SCHEME + "://" : "";
    Path output = folder.resolve("run-" + index);
    Map<String, String> job = job("killed", scheme + output);
    // A part of the runs has the sample that goes before the plan.
    job.put("plan.sampleFraction", random.nextInt(4) == 0 ? "0.1" : "0");
    if (fault.kind() == Fault.Kind.DECOMMISSION_EXECUTOR) {
      // Batches of one do not change answers, and keep both executors busy for long enough.
      job.put("plan.partitions", "2");
      job.put("engine.maxSequences", "1");
      job.put("engine.budgetTokens", "16");
    }
    long began = System.nanoTime();
    String error = "";
    healthyDriver().send(new JobDriver.Command("run", job, ""));
    int starts = 1;
    Thread.sleep((long) (1000 * jobSeconds * fault.atShare()));
    String at = driver.stage();
    fault.inflict(cluster, driver, writeSwitch);
    Optional<JobDriver.Reply> reply;
    while (true) {
      cluster.heal();
      reply = driver.isAlive() || starts == 1 ? driver.await(REPLY_SECONDS) : Optional.empty();
      if (reply.isPresent() && reply.get().error().isEmpty()) {
        break;
      }
      error = reply.map(JobDriver.Reply::error).orElse("the driver is gone");
      if (starts == MOST_STARTS) {
        break;
      }
      healthyDriver().send(new JobDriver.Command("run", job, ""));
      starts++;
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    JobDriver.Reply result = null;
    if (reply.isPresent() && reply.get().error().isEmpty()) {
      // A fault can also come after the end: a driver that was just killed still looks alive.
      Optional<JobDriver.Reply> checked = Optional.empty();
      for (int i = 0; i < CHECKS && checked.isEmpty(); i++) {
        healthyDriver().send(new JobDriver.Command("check", job, reference));
        checked = driver.await(REPLY_SECONDS);
      }
      result = checked.orElse(null);
    }
    String line = count(index, seed, fault, at, starts, seconds, error, result, sums);
    progress.accept(line);
    if (sums.broken.isEmpty() || !sums.broken.getLast().equals(line)) {
      Folders.delete(output);
    }
  }

  private String count(
      int index,
      long seed,
      Fault fault,
      String at,
      int starts,
      double seconds,
      String error,
      JobDriver.Reply result,
      Sums sums) {
    sums.runs++;
    sums.seconds += seconds;
    sums.starts += starts;
    sums.lastStarts = starts;
    sums.resumes += starts > 1 ? 1 : 0;
    sums.kinds.merge(fault.kind().label(), 1, Integer::sum);
    String head =
        String.format(
            Locale.ROOT,
            "run %d seed %d: %s at %.0f%% (%s), %d starts, %.1f s",
            index,
            seed,
            fault.kind().label(),
            100 * fault.atShare(),
            at.isEmpty() ? "before the first stage" : at.toLowerCase(Locale.ROOT),
            starts,
            seconds);
    if (result == null || !result.error().isEmpty()) {
      sums.unfinished++;
      String line = head + ", NOT DONE: " + (result == null ? error : result.error());
      sums.broken.add(line);
      return line;
    }
    sums.requests += result.rows();
    sums.lost += result.lost();
    sums.duplicated += result.duplicated();
    sums.changed += result.changed();
    sums.repeated += result.repeated();
    String line =
        head
            + String.format(
                Locale.ROOT,
                ": lost %d, duplicated %d, changed %d, repeated %d%s",
                result.lost(),
                result.duplicated(),
                result.changed(),
                result.repeated(),
                error.isEmpty() ? "" : "; " + error.lines().findFirst().orElse(""));
    if (result.lost() + result.duplicated() + result.changed() > 0) {
      sums.broken.add(line);
    }
    return line;
  }

  /** Runs a job that nobody disturbs. */
  private JobDriver.Reply finish(Map<String, String> job) throws Exception {
    healthyDriver().send(new JobDriver.Command("run", job, ""));
    JobDriver.Reply reply =
        driver.await(REPLY_SECONDS).orElseThrow(() -> new IOException("the driver ended"));
    if (!reply.error().isEmpty()) {
      throw new IOException("an undisturbed job failed: " + reply.error());
    }
    return reply;
  }

  private DriverProcess healthyDriver() throws Exception {
    if (driver == null || !driver.isAlive()) {
      driver = DriverProcess.start(cluster, spark());
    }
    return driver;
  }

  private Map<String, String> job(String id, String output) {
    Map<String, String> job = new HashMap<>();
    job.put("run.id", id);
    job.put("input.paths", input.toString());
    job.put("model.path", model.toString());
    if (setting.demo() == null) {
      job.put("engine.backend", "scalar");
    }
    job.put("output.path", output);
    job.put("sampling.temperature", "0.7");
    job.put("engine.threads", "1");
    job.put("engine.maxSequences", "8");
    job.put("engine.budgetTokens", "64");
    job.put("engine.kvBytes", "64MiB");
    job.put("engine.drainSeconds", "2");
    job.put("plan.partitions", "4");
    job.put("plan.sampleFraction", "0");
    job.put("ledger.pieceRows", "" + PIECE_ROWS);
    job.put("ledger.pieceSeconds", "2");
    job.put("calibration.seconds", "1");
    job.put("calibration.folder", folder.resolve("calibration").toString());
    return job;
  }

  private Map<String, String> spark() {
    Map<String, String> spark = new LinkedHashMap<>();
    spark.put("spark.master", cluster.master());
    spark.put("spark.driver.host", "127.0.0.1");
    spark.put("spark.driver.bindAddress", "127.0.0.1");
    spark.put("spark.ui.enabled", "false");
    spark.put("spark.decommission.enabled", "true");
    spark.put("spark.cores.max", "" + cluster.workers());
    spark.put("spark.executor.cores", "1");
    spark.put("spark.executor.memory", "768m");
    spark.put("spark.executor.extraClassPath", cluster.classFolders());
    spark.put(
        "spark.executor.extraJavaOptions",
        String.join(" ", cluster.jvmOptions())
            + (setting.demo() == null ? " -XX:TieredStopAtLevel=1" : ""));
    spark.put("spark.locality.wait", "0s");
    spark.put("spark.sql.shuffle.partitions", "2");
    spark.put("spark.databricks.delta.snapshotPartitions", "1");
    spark.put("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2");
    spark.put("spark.sql.session.timeZone", "UTC");
    // A driver that was just started would compile for longer than it computes.
    spark.put("spark.sql.codegen.wholeStage", "false");
    spark.put("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    spark.put("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension");
    spark.put("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
    // A lost executor is missed within seconds, so that a run sees it happen.
    spark.put("spark.executor.heartbeatInterval", "1s");
    spark.put("spark.network.timeout", "20s");
    spark.put("spark.network.timeoutInterval", "2s");
    spark.put("spark.rpc.askTimeout", "60s");
    spark.put("spark.task.maxFailures", "4");
    spark.put("spark.hadoop.fs.flaky.impl", FlakyFileSystem.class.getName());
    spark.put("spark.hadoop." + FlakyFileSystem.SWITCH, writeSwitch.toString());
    spark.put("spark.delta.logStore.flaky.impl", "io.delta.storage.LocalLogStore");
    return spark;
  }
}
