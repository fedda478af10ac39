package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.error.ErrorCode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
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
 * SIGTERM to {@code weft run}: the ledger is written, the exit code and the message say the rest.
 */
class SigtermTest {
  private static final int REQUESTS = 120;

  @TempDir Path folder;

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void theRunEndsWithAnErrorAndCanBeResumed() throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      lines.add("{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"Number %d is\"}}".formatted(i, i));
    }
    Path input = Files.writeString(folder.resolve("in.jsonl"), String.join("\n", lines));
    Process process = start(input);
    try {
      while (pieces().isEmpty()) {
        assertThat(process.waitFor(50, TimeUnit.MILLISECONDS)).as(this::log).isFalse();
      }
      process.destroy();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended within a minute").isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(this::log).isEqualTo(ExitCode.FAILED.number());
    assertThat(log()).contains(ErrorCode.RUN_STOPPED.name());
    assertThat(pieces()).hasSizeLessThan(REQUESTS);
    // A marker that is left would blame requests for an end that was asked for.
    try (Stream<Path> files = Files.walk(folder.resolve("out/_weft/runs/r/attempts"))) {
      assertThat(files.filter(f -> f.getFileName().toString().matches("s\\d+-t.*"))).isEmpty();
    }
  }

  private Process start(Path input) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.removeIf(a -> a.startsWith("-agentlib") || a.startsWith("-javaagent"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    Path model = Path.of(System.getProperty("weft.project.root"), "datasets/demo/weft-demo.gguf");
    command.addAll(List.of("run", "--input", input.toString(), "--model", model.toString()));
    command.addAll(List.of("--output", folder.resolve("out").toString(), "--run-id", "r"));
    for (String set :
        List.of(
            "spark.master=local[1]",
            "plan.sampleFraction=0",
            "sampling.maxTokens=40",
            "engine.backend=scalar",
            "engine.threads=1",
            "engine.maxSequences=4",
            "engine.drainSeconds=1",
            "ledger.pieceRows=1",
            "calibration.folder=" + folder.resolve("rates"))) {
      command.addAll(List.of("--set", set));
    }
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("log").toFile())
        .start();
  }

  private String log() {
    try {
      return Files.readString(folder.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  private List<Path> pieces() throws IOException {
    Path ledger = folder.resolve("out/_weft/runs/r/ledger");
    if (!Files.isDirectory(ledger)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(ledger)) {
      return files.filter(f -> f.getFileName().toString().startsWith("results-")).toList();
    }
  }
}
