package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job that is killed in the middle goes on, loses nothing, repeats little and changes no byte.
 */
class ResumeTest {
  static final int REQUESTS = 240;

  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void afterSigkill() throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      lines.add(
          "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"Story number %d about a %s.\"}}"
              .formatted(i, i, i % 2 == 0 ? "cat" : "dog"));
    }
    Path input = Files.writeString(folder.resolve("in.jsonl"), String.join("\n", lines));
    Map<String, String> keys = new HashMap<>();
    keys.put("run.id", "killed");
    keys.put("sampling.temperature", "0.8");
    keys.put("sampling.maxTokens", "60");
    keys.put("engine.maxSequences", "4");
    keys.put("engine.threads", "1");
    keys.put("ledger.pieceRows", "5");
    long finished = killMidway(input, keys);

    RunSummary resumed =
        WeftJob.run(
            spark, JobFixture.config(folder, input.toString(), keys), ProgressListener.none());
    assertThat(resumed.starts()).isEqualTo(2);
    assertThat(resumed.rows().resumed()).isEqualTo(finished);
    assertThat(resumed.rows().answered()).isEqualTo(REQUESTS);
    // What was in the ledger is not run again.
    assertThat(rowsWrittenBy(2)).isEqualTo(REQUESTS - finished);

    keys.put("run.id", "undisturbed");
    keys.put("engine.maxSequences", "64");
    WeftJob.run(spark, JobFixture.config(folder, input.toString(), keys), ProgressListener.none());
    Map<String, String> expected = JobFixture.answers(spark, folder + "/out", "undisturbed");
    assertThat(expected).hasSize(REQUESTS);
    assertThat(JobFixture.answers(spark, folder + "/out", "killed")).isEqualTo(expected);
  }

  /** Starts the job in another process, kills it in the middle; returns what its ledger holds. */
  private long killMidway(Path input, Map<String, String> keys) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.removeIf(a -> a.startsWith("-agentlib") || a.startsWith("-javaagent"));
    command.add("-Dweft.shared.data=" + System.getProperty("weft.shared.data"));
    // The job would otherwise be over before it is killed where the processor is fast.
    command.add("-Dspark.hadoop.fs.file.impl=" + KilledJob.StallingDisk.class.getName());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(KilledJob.class.getName());
    command.addAll(List.of(folder.toString(), input.toString()));
    keys.forEach((k, v) -> command.addAll(List.of(k, v)));
    Path log = folder.resolve("killed.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      while (rowsWrittenBy(1) == 0) {
        assertThat(process.waitFor(50, TimeUnit.MILLISECONDS))
            .as("the job ended before it was killed: see %s", Files.readString(log))
            .isFalse();
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(process.exitValue()).isEqualTo(137);
    long finished = rowsWrittenBy(1);
    assertThat(finished).isBetween(1L, (long) KilledJob.StallingDisk.MOST_ROWS);
    return finished;
  }

  private long rowsWrittenBy(int start) throws IOException {
    Path ledger = folder.resolve("out/_weft/runs/killed/ledger");
    if (!Files.isDirectory(ledger)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(ledger)) {
      return files
          .flatMap(
              f ->
                  PieceName.parse(f.getFileName().toString())
                      // One that the kill has torn is none.
                      .filter(name -> name.bytes() == f.toFile().length())
                      .stream())
          .filter(p -> p.kind() == PieceName.Kind.RESULTS && p.start() == start)
          .mapToLong(PieceName::rows)
          .sum();
    }
  }
}
