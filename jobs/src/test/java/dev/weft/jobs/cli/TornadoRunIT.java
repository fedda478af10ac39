package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.jobs.job.TestSpark;
import java.io.IOException;
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
 * A job on a device that TornadoVM drives, PoCL's on a machine without a GPU, as a user starts it.
 */
class TornadoRunIT {
  private static final int REQUESTS = 12;
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));

  @TempDir Path folder;

  @Test
  @Timeout(value = 15, unit = TimeUnit.MINUTES)
  void answersAreThoseOfTheProcessor() throws Exception {
    String sdk = System.getenv("TORNADOVM_HOME");
    assumeTrue(
        sdk != null && !sdk.isEmpty(),
        "skipped: TORNADOVM_HOME is not set; the GPU backend is tested where TornadoVM's SDK is");
    Path input = folder.resolve("in.jsonl");
    try (Stream<String> lines = Files.lines(ROOT.resolve("datasets/demo/requests.jsonl"))) {
      Files.write(input, lines.limit(REQUESTS).toList());
    }
    List<String> onDevice = run(input, "tornado");
    assertThat(onDevice).hasSize(REQUESTS).allSatisfy(row -> assertThat(row).contains("\"ok\""));
    assertThat(onDevice).isEqualTo(run(input, "vector"));
  }

  /** Status and text of each request, in order. */
  private List<String> run(Path input, String backend) throws IOException, InterruptedException {
    Path output = folder.resolve(backend);
    List<String> command = new ArrayList<>(List.of(ROOT.resolve("weft").toString(), "run"));
    command.addAll(List.of("--input", input.toString(), "--output", output.toString()));
    command.addAll(List.of("--model", ROOT.resolve("datasets/demo/weft-demo.gguf").toString()));
    command.addAll(List.of("--backend", backend, "--max-tokens", "32"));
    for (String set :
        List.of(
            "plan.sampleFraction=0",
            "calibration.seconds=1",
            "calibration.folder=" + folder.resolve("rates"))) {
      command.addAll(List.of("--set", set));
    }
    Path log = folder.resolve(backend + ".log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).as(Files.readString(log)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
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
}
