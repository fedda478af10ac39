package dev.weft.benchmarks.recovery;

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

/**
 * What a restart at half of a large run of cheap rows costs, and what the ledger costs. Cheap rows
 * are the hardest case: the ledger's work for a row is the same for any model.
 */
final class ResumeOverhead {
  private static final int LEDGER_PAIRS = 5;

  /** Full speed is reached when rows come at this share of the undisturbed run's rate. */
  private static final double FULL_SPEED = 0.9;

  private static final double WINDOW_SECONDS = 1.0;

  private final Path folder;
  private final int rows;
  private final Measurements results;
  private final Path input;
  private final Path model;

  private ResumeOverhead(Path folder, int rows, Measurements results) {
    this.folder = folder;
    this.rows = rows;
    this.results = results;
    input = folder.resolve("requests.jsonl");
    model = folder.resolve("tiny.gguf");
  }

  static void run(Path folder, int rows, Measurements results) throws Exception {
    Folders.delete(folder);
    Files.createDirectories(folder);
    ResumeOverhead overhead = new ResumeOverhead(folder, rows, results);
    overhead.prepare();
    overhead.restart();
    overhead.ledger();
    Folders.delete(folder);
  }

  private void prepare() throws IOException {
    TinyModel.write(model);
    try (BufferedWriter out = Files.newBufferedWriter(input)) {
      for (int i = 0; i < rows; i++) {
        out.write(
            "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"row %d\",\"max_tokens\":2}}%n"
                .formatted(i, i));
      }
    }
  }

  private Map<String, String> job(String id, String output) {
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
   * @param stages seconds of stages by name
   * @param answered rows of the whole run; -1 if it was killed or failed
   * @param resumed rows that an earlier start had finished
   */
  private record Told(
      List<Double> seconds,
      List<Long> done,
      Map<String, Double> stages,
      long answered,
      long resumed,
      String failure) {

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
  private Told told(Map<String, String> job, boolean dropLedger, long killAt) throws Exception {
    long began = System.nanoTime();
    Process process = LocalJob.start(folder.resolve("job.log"), dropLedger, job);
    List<Double> seconds = new ArrayList<>();
    List<Long> done = new ArrayList<>();
    Map<String, Double> stages = new HashMap<>();
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
          case "@stage" -> stages.put(words[1], Double.parseDouble(words[2]));
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
    return new Told(seconds, done, stages, answered, resumed, failure);
  }

  private void restart() throws Exception {
    Told undisturbed =
        told(job("undisturbed", folder.resolve("a").toString()), false, Long.MAX_VALUE);
    require(undisturbed);
    double rate = undisturbed.rate();
    Map<String, String> job = job("killed", folder.resolve("b").toString());
    Told killed = told(job, false, rows / 2);
    Told resumed = told(job, false, Long.MAX_VALUE);
    require(resumed);
    double fresh = undisturbed.secondsUntil(FULL_SPEED * rate);
    double back = resumed.secondsUntil(FULL_SPEED * rate);
    Map<String, Object> more = new HashMap<>();
    more.put("workload", rows + " rows of a tiny model, 2 output tokens, local mode");
    more.put("rows_per_second", rate);
    more.put("full_speed", FULL_SPEED + " of the undisturbed rate over a second");
    more.put("fresh_start_seconds", fresh);
    more.put("killed_after_rows", killed.done().getLast());
    more.put("resumed_rows", resumed.resumed());
    more.put("repeated_rows", killed.done().getLast() - resumed.resumed());
    results.add("resume.overhead.back_at_full_speed", back, "seconds since the restart", more);
    Folders.delete(folder.resolve("a"));
    Folders.delete(folder.resolve("b"));
  }

  private void require(Told told) throws IOException {
    if (told.answered() != rows) {
      throw new IOException(
          "a job answered %d of %d rows %s; see %s"
              .formatted(told.answered(), rows, told.failure(), folder.resolve("job.log")));
    }
  }

  /** Seconds of inference with the ledger and with all of its writes dropped, by turns. */
  private void ledger() throws Exception {
    double[] with = new double[LEDGER_PAIRS];
    double[] without = new double[LEDGER_PAIRS];
    for (int i = 0; i < LEDGER_PAIRS; i++) {
      for (boolean drop : i % 2 == 0 ? new boolean[] {false, true} : new boolean[] {true, false}) {
        // No folder above the run's ledger may have its name: what is dropped is known by that.
        Path output = folder.resolve("cost");
        Told told =
            told(job("cost", DroppingFileSystem.SCHEME + "://" + output), drop, Long.MAX_VALUE);
        Double seconds = told.stages().get("INFER");
        // Without a ledger the job finds nothing to commit and fails after inference, as it must.
        if (seconds == null && told.done().isEmpty()) {
          throw new IOException("no inference: " + told.failure());
        }
        double value =
            seconds != null ? seconds : told.seconds().getLast() - told.seconds().getFirst();
        (drop ? without : with)[i] = value;
        Folders.delete(output);
      }
    }
    double cost = median(with) / median(without) - 1;
    Map<String, Object> more = new HashMap<>();
    more.put("target", 0.02);
    more.put("with_seconds", with);
    more.put("without_seconds", without);
    more.put("baseline", "the same job on a file system that drops what inference writes");
    more.put("workload", rows + " rows of a tiny model, 2 output tokens, local mode");
    results.add("resume.overhead.ledger_share", cost, "share of inference time", more);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
