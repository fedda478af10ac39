package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @TempDir Path folder;

  private record Outcome(int code, String out, String err) {}

  private static Outcome weft(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.execute(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            arguments);
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "run", "resume", "plan", "runs", "status", "partial", "clean", "demo", "bench", "doctor",
        "config"
      })
  void everyCommandHasHelpWithExamples(String command) {
    Outcome help = weft(command, "--help");
    assertThat(help.code()).isZero();
    assertThat(help.out()).contains("Usage: weft " + command, "Examples:", "  weft " + command);
    assertThat(weft("--help").out()).contains("  " + command + " ");
  }

  @Test
  void runDocumentsItsExitCodes() {
    assertThat(weft("run", "--help").out())
        .containsSubsequence("Exit codes:", "0", "1", "2", "3", "some rows are error rows");
  }

  @Test
  void versionNamesTheBuild() {
    assertThat(weft("--version").out())
        .containsPattern("weft \\d+\\.\\d+\\.\\d+.* \\(commit \\w+\\)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          rnu                                        | run
          run --inputt x                             | --input
          run -i x -m y -o z --set engine.thread=2   | engine.threads
          run -i x -m y -o z --set engine.threads    | --set engine.threads=VALUE
          run -i x -m y -o z --policy blnd           | did you mean blend
          run -i x -m y -o z --threads 0             | 1 to 1024
          run -i x -m y -o z -c /no/such.conf        | does not exist
          run -m y -o z                              | --input
          run                                        | --input PATH, --model FILE, --output FOLDER
          plan -i x                                  | --model FILE
          bench kernel                               | there is no benchmark
          config --set weft.engin.threads=2          | engine.threads
          """)
  void badUsageIsSaidInOneMessageAndExitsWithTwo(String line, String expected) {
    Outcome outcome = weft(line.split(" +"));
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).startsWith("error: ").contains(expected).doesNotContain("\tat ");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void debugShowsTheStackTrace() {
    assertThat(weft("run", "--debug", "--set", "nothing=1").err()).contains("\tat dev.weft");
  }

  @Test
  void configShowsWhatACommandWouldUse() throws Exception {
    Path file = Files.writeString(folder.resolve("my file.conf"), "weft.engine.threads = 3");
    Outcome outcome =
        weft(
            "config", "-c", file.toString(), "--policy", "dfs", "-s", "input.paths=[\"a\", \"b\"]");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .containsPattern("\\* engine\\.threads +. 3")
        .containsPattern("\\* plan\\.policy +. dfs")
        .containsPattern("\\* input\\.paths +. \\[\"a\",\"b\"]")
        .containsPattern("  engine\\.backend +. auto");
  }

  @Test
  void theDemoNeedsItsFiles() {
    assertThat(weft("demo").err()).startsWith("error: the demo");
  }
}
