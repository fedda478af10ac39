package dev.weft.benchmarks.recovery;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.run.Progress;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.Stage;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/**
 * What a restart at half of a large run costs, and what the ledger costs. The ledger is measured
 * with the cheapest rows, its hardest case: its work for a row is the same for any model. The
 * restart has costlier ones, so that what is left after it lasts long enough for the JVM to warm up
 * again.
 */
final class ResumeOverhead {
  private static final int LEDGER_PAIRS = 5;
  private static final int LEDGER_WARM_UPS = 2;

  /** Full speed is reached when rows come at this share of the undisturbed run's rate. */
  private static final double FULL_SPEED = 0.9;

  private static final double WINDOW_SECONDS = 1.0;

  private static final int CHEAP_TOKENS = 2;
  private static final int COSTLIER_TOKENS = 64;

  private final Path folder;
  private final int rows;
  private final Measurements results;
  private final Path model;

  private ResumeOverhead(Path folder, int rows, Measurements results) {
    this.folder = folder;
    this.rows = rows;
    this.results = results;
    model = folder.resolve("tiny.gguf");
  }

  /** {@code resume.overhead.back_at_full_speed}. */
  static void restart(Path folder, int rows, Measurements results) throws Exception {
    new ResumeOverhead(folder, rows, results).in(ResumeOverhead::restart);
  }

  /**
   * {@code resume.overhead.ledger_share}.
   *
   * @param folder not below one named {@code ledger}: what is dropped is known by that name
   */
  static void ledger(Path folder, int rows, Measurements results) throws Exception {
    new ResumeOverhead(folder, rows, results).in(ResumeOverhead::ledger);
  }

  private interface Part {
    void measure(ResumeOverhead overhead) throws Exception;
  }

  private void in(Part part) throws Exception {
    Folders.delete(folder);
    Files.createDirectories(folder);
    TinyModel.write(model);
    part.measure(this);
    Folders.delete(folder);
  }

  private Path requests(int outputTokens) throws IOException {
    Path input = folder.resolve("requests-%d.jsonl".formatted(outputTokens));
    try (BufferedWriter out = Files.newBufferedWriter(input)) {
      for (int i = 0; i < rows; i++) {
        out.write(
            "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"row %d\",\"max_tokens\":%d}}%n"
                .formatted(i, i, outputTokens));
      }
    }
    return input;
  }

  private Map<String, String> job(String id, Path input, String output) {
    Map<String, String> job = new HashMap<>();
    job.put("run.id", id);
    job.put("input.paths", input.toString());
    job.put("model.path", model.toString());
    job.put("output.path", output);
    job.put("plan.sampleFraction", "0");
    job.put("engine.kvBytes", "64MiB");
    job.put("calibration.folder", folder.resolve("calibration").toString());
    return job;
  }

  /**
   * What a process told.
   *
   * @param seconds since its start, of each number of rows done
   * @param done rows done then
   * @param answered rows of the whole run; -1 if it was killed or failed
   * @param resumed rows that an earlier start had finished
   */
  private record Told(
      List<Double> seconds, List<Long> done, long answered, long resumed, String failure) {

    /** Rows per second of the middle half of inference. */
    double rate() {
      long from = done.getLast() / 4;
      long to = done.getLast() * 3 / 4;
      int a = 0;
      while (done.get(a) < from) {
        a++;
      }
      int b = a;
      while (done.get(b) < to) {
        b++;
      }
      return (done.get(b) - done.get(a)) / (seconds.get(b) - seconds.get(a));
    }

    /** Rows per second of each second in which rows came, from the first on. */
    List<Long> bySecond() {
      List<Long> rates = new ArrayList<>();
      int from = 0;
      for (int i = 1; i < done.size(); i++) {
        double time = seconds.get(i) - seconds.get(from);
        if (time >= WINDOW_SECONDS) {
          rates.add(Math.round((done.get(i) - done.get(from)) / time));
          from = i;
        }
      }
      return rates;
    }

    /** Seconds from the start of the process until rows come at this rate; NaN if never. */
    double secondsUntil(double rate) {
      for (int i = 0; i < done.size(); i++) {
        for (int j = i + 1; j < done.size(); j++) {
          double time = seconds.get(j) - seconds.get(i);
          if (time >= WINDOW_SECONDS) {
            if ((done.get(j) - done.get(i)) / time >= rate) {
              return seconds.get(i);
            }
            break;
          }
        }
      }
      return Double.NaN;
    }
  }

  /**
   * Runs a job.
   *
   * @param killAt rows after which the process is killed
   */
  private Told told(Map<String, String> job, long killAt) throws Exception {
    long began = System.nanoTime();
    Process process = LocalJob.start(folder.resolve("job.log"), job);
    List<Double> seconds = new ArrayList<>();
    List<Long> done = new ArrayList<>();
    long answered = -1;
    long resumed = 0;
    String failure = "";
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        String[] words = line.split(" ", 3);
        switch (words[0]) {
          case "@rows" -> {
            seconds.add((System.nanoTime() - began) / 1e9);
            done.add(Long.parseLong(words[1]));
            if (done.getLast() >= killAt) {
              process.destroyForcibly();
            }
          }
          case "@end" -> {
            answered = Long.parseLong(words[1]);
            resumed = Long.parseLong(words[2]);
          }
          case "@failed" -> failure = line;
          default -> {}
        }
      }
    } catch (IOException e) {
      // Its pipe broke when it was killed.
    } finally {
      process.destroyForcibly().waitFor();
    }
    return new Told(seconds, done, answered, resumed, failure);
  }

  private void restart() throws Exception {
    Path input = requests(COSTLIER_TOKENS);
    Told undisturbed =
        told(job("undisturbed", input, folder.resolve("a").toString()), Long.MAX_VALUE);
    require(undisturbed);
    double rate = undisturbed.rate();
    Map<String, String> job = job("killed", input, folder.resolve("b").toString());
    Told killed = told(job, rows / 2);
    Told resumed = told(job, Long.MAX_VALUE);
    require(resumed);
    double fresh = undisturbed.secondsUntil(FULL_SPEED * rate);
    double back = resumed.secondsUntil(FULL_SPEED * rate);
    Map<String, Object> more = new HashMap<>();
    more.put("workload", workload(COSTLIER_TOKENS));
    more.put("rows_per_second", rate);
    more.put("full_speed", FULL_SPEED + " of the undisturbed rate over a second");
    more.put("fresh_start_seconds", fresh);
    more.put("first_rows_after_fresh_start_seconds", undisturbed.seconds().getFirst());
    more.put("first_rows_after_restart_seconds", resumed.seconds().getFirst());
    more.put("fresh_rates", undisturbed.bySecond());
    more.put("resumed_rates", resumed.bySecond());
    more.put("killed_after_rows", killed.done().getLast());
    more.put("resumed_rows", resumed.resumed());
    more.put("repeated_rows", killed.done().getLast() - resumed.resumed());
    results.add("resume.overhead.back_at_full_speed", back, "seconds since the restart", more);
    Folders.delete(folder.resolve("a"));
    Folders.delete(folder.resolve("b"));
  }

  private String workload(int outputTokens) {
    return "%d rows of a tiny model, at most %d output tokens, local mode"
        .formatted(rows, outputTokens);
  }

  private void require(Told told) throws IOException {
    if (told.answered() != rows) {
      throw new IOException(
          "a job answered %d of %d rows %s; see %s"
              .formatted(told.answered(), rows, told.failure(), folder.resolve("job.log")));
    }
  }

  /**
   * Seconds of inference with the ledger and with all of its writes dropped, by turns, in one
   * process that has run the job before: how long code takes to be compiled varies by more than the
   * ledger costs.
   */
  private void ledger() throws Exception {
    Path input = requests(CHEAP_TOKENS);
    double[] with = new double[LEDGER_PAIRS];
    double[] without = new double[LEDGER_PAIRS];
    try (SparkSession spark = LocalJob.session(2)) {
      for (int i = 0; i < LEDGER_WARM_UPS; i++) {
        inferSeconds(spark, input, false);
      }
      for (int i = 0; i < LEDGER_PAIRS; i++) {
        boolean dropFirst = i % 2 == 0;
        for (boolean drop : new boolean[] {dropFirst, !dropFirst}) {
          (drop ? without : with)[i] = inferSeconds(spark, input, drop);
        }
      }
    } finally {
      DroppingFileSystem.drop(false);
    }
    double cost = median(with) / median(without) - 1;
    Map<String, Object> more = new HashMap<>();
    more.put("target", 0.02);
    more.put("with_seconds", with);
    more.put("without_seconds", without);
    more.put("baseline", "the same job on a file system that drops the ledger's files");
    more.put("workload", workload(CHEAP_TOKENS) + ", one process, pairs in turns");
    results.add("resume.overhead.ledger_share", cost, "share of inference time", more);
  }

  /** Seconds from the start of the inference stage to its last row. */
  private double inferSeconds(SparkSession spark, Path input, boolean drop) throws Exception {
    Path output = folder.resolve("cost");
    DroppingFileSystem.drop(drop);
    long[] began = new long[1];
    long[] ended = new long[1];
    long[] done = new long[1];
    ProgressListener listener =
        new ProgressListener() {
          @Override
          public void stageStarted(Stage stage) {
            began[0] = stage == Stage.INFER ? System.nanoTime() : began[0];
          }

          @Override
          public void progress(Progress progress) {
            if (progress.doneRows() > done[0]) {
              done[0] = progress.doneRows();
              ended[0] = System.nanoTime();
            }
          }
        };
    WeftConfig job = WeftConfig.of(job("cost", input, DroppingFileSystem.SCHEME + "://" + output));
    try {
      WeftJob.run(spark, job, listener);
    } catch (WeftException e) {
      // Without a ledger the job finds nothing to commit and fails after inference, as it must.
      if (!drop) {
        throw e;
      }
    } finally {
      Folders.delete(output);
    }
    if (done[0] != rows) {
      throw new IOException("%d of %d rows were done".formatted(done[0], rows));
    }
    return (ended[0] - began[0]) / 1e9;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
