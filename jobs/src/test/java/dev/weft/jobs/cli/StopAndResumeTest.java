package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.job.TestSpark;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run as a user has it: {@code weft run} is told to stop by SIGTERM, {@code weft status} shows
 * how far it is, {@code weft resume} refuses another setting and goes on with its own.
 */
class StopAndResumeTest {
  private static final int REQUESTS = 24;

  @TempDir Path folder;

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void theRunEndsWithAnErrorAndGoesOn() throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      lines.add("{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"Number %d is\"}}".formatted(i, i));
    }
    Files.writeString(folder.resolve("in.jsonl"), String.join("\n", lines));
    Path out = folder.resolve("out");
    Path run = out.resolve("_weft/runs/r");
    stopMidway(run);

    JsonNode status = status(out);
    int done = status.path("results").intValue();
    assertThat(status.path("state").textValue()).isEqualTo("STOPPED");
    assertThat(status.path("totals").path("results").intValue()).isEqualTo(REQUESTS);
    assertThat(done).isBetween(1, REQUESTS - 1);

    // Threads, batches and launches are the user's to change; temperature and kernels are not.
    List<String> resume = List.of("resume", "r", "--output", out.toString());
    CliProcess rest =
        CliProcess.start(
            folder.resolve("resume.log"),
            List.of(
                with(
                    resume,
                    "--set",
                    "sampling.temperature=0.5",
                    "--set",
                    "engine.tensorCores=true"),
                with(
                    resume,
                    "--json",
                    "--set",
                    "engine.maxSequences=16",
                    "--set",
                    "engine.cudaGraphs=false"),
                runCommand("undisturbed", folder.resolve("undisturbed"))));
    try {
      assertThat(rest.process().waitFor(8, TimeUnit.MINUTES)).as(rest::log).isTrue();
    } finally {
      rest.process().destroyForcibly();
    }
    String log = rest.log();
    assertThat(log.lines().filter(l -> l.startsWith("exit ")))
        .as(log)
        .containsExactly("exit 2", "exit 0", "exit 0");
    assertThat(log)
        .contains(
            ErrorCode.RUN_SETTINGS_DIFFER.name(),
            "sampling.temperature: the run has 0.8, this start 0.5",
            "engine.tensorCores: the run has nothing, this start true");
    // The refused start left no trace, and what was in the ledger was not run again.
    assertThat(log).containsPattern("\"resumed\" : " + done + "\\b");
    status = status(out);
    assertThat(status.path("state").textValue()).isEqualTo("COMPLETE");
    assertThat(status.path("starts").intValue()).isEqualTo(2);
    assertThat(status.path("results").intValue()).isEqualTo(REQUESTS);

    List<String> expected = table(folder.resolve("undisturbed"));
    assertThat(expected).hasSize(REQUESTS);
    assertThat(table(out)).isEqualTo(expected);
  }

  private void stopMidway(Path run) throws Exception {
    CliProcess first =
        CliProcess.start(
            folder.resolve("run.log"), List.of(runCommand("r", folder.resolve("out"))));
    Process process = first.process();
    try {
      while (CliProcess.pieces(run).isEmpty()) {
        assertThat(process.waitFor(50, TimeUnit.MILLISECONDS)).as(first::log).isFalse();
      }
      process.destroy();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended within a minute").isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(first::log).isEqualTo(ExitCode.FAILED.number());
    assertThat(first.log()).contains(ErrorCode.RUN_STOPPED.name());
    assertThat(CliProcess.pieces(run)).hasSizeLessThan(REQUESTS);
    // A marker that is left would blame requests for an end that was asked for.
    try (Stream<Path> files = Files.walk(run.resolve("attempts"))) {
      assertThat(files.filter(f -> f.getFileName().toString().matches("s\\d+-t.*"))).isEmpty();
    }
  }

  private List<String> runCommand(String id, Path output) {
    Path model = Path.of(System.getProperty("weft.project.root"), "datasets/demo/weft-demo.gguf");
    List<String> command = new ArrayList<>(List.of("run", "--model", model.toString()));
    command.addAll(List.of("--input", folder.resolve("in.jsonl").toString(), "--run-id", id));
    command.addAll(List.of("--output", output.toString()));
    for (String set :
        List.of(
            "spark.master=local[1]",
            "plan.sampleFraction=0",
            "sampling.maxTokens=16",
            "sampling.temperature=0.8",
            "engine.backend=scalar",
            "engine.threads=1",
            "engine.maxSequences=4",
            "engine.drainSeconds=1",
            "ledger.pieceRows=1",
            "calibration.seconds=1",
            "calibration.folder=" + folder.resolve("rates"))) {
      command.addAll(List.of("--set", set));
    }
    return command;
  }

  private static List<String> with(List<String> command, String... more) {
    return Stream.concat(command.stream(), Stream.of(more)).toList();
  }

  /** {@code weft status}, which needs no Spark and no process of its own. */
  private static JsonNode status(Path output) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream printed = new PrintStream(out, true, StandardCharsets.UTF_8);
    int code = Main.execute(printed, printed, "status", "r", "-o", output.toString(), "--json");
    assertThat(code).as(out::toString).isZero();
    return new JsonMapper().readTree(out.toByteArray());
  }

  /** The result table as text, without the run's name and the one column that tells of cost. */
  private static List<String> table(Path output) {
    return TestSpark.session()
        .read()
        .format("delta")
        .load(output + "/results")
        .drop("run_id", "shared_prompt_tokens")
        .orderBy("row_key")
        .toJSON()
        .collectAsList();
  }
}
