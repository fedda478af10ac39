package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.ledger.Answers;
import dev.weft.jobs.ledger.LedgerWriter;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.state.Lease;
import dev.weft.jobs.state.Manifest;
import dev.weft.jobs.state.RunFolder;
import dev.weft.jobs.state.RunTotals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands that look at runs, on a run as it is while a job works on it. */
class RunCommandsTest {
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

  private RunFolder begun() throws Exception {
    RunFolder run = new RunFolder(folder.toString(), "night", new Configuration()).make();
    run.write(
        run.manifest(), new Manifest("night", "2026-11-25T00:00:00Z", new TreeMap<>(Map.of())));
    run.write(run.totals(), new RunTotals(6, 1, 1, 4, 4));
    return run;
  }

  private static void answer(RunFolder run, int start) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        LedgerWriter writer =
            new LedgerWriter(
                run.storage(), run.ledger(), PieceName.Kind.RESULTS, start, 0, 0, 2, 60)) {
      Answers.add(writer, allocator, 1, 0, "one");
      Answers.add(writer, allocator, 2, 0, "two");
      Answers.add(writer, allocator, 2, 0, "two");
      writer.flush();
    }
  }

  @Test
  void whileItRunsAfterItStoppedAndWhenItIsComplete() throws Exception {
    RunFolder run = begun();
    String out = folder.toString();
    try (Lease lease = Lease.take(run, Lease.Times.USUAL, told -> {})) {
      answer(run, lease.start());
      JsonNode status =
          new JsonMapper().readTree(weft("status", "night", "-o", out, "--json").out());
      assertThat(status.path("state").textValue()).isEqualTo("RUNNING");
      assertThat(status.path("results").longValue()).isEqualTo(3);
      assertThat(status.path("totals").path("results").longValue()).isEqualTo(4);
      assertThat(status.path("promptTokens").longValue()).isEqualTo(30);
      assertThat(status.path("start").path("pid").longValue())
          .isEqualTo(ProcessHandle.current().pid());
      assertThat(weft("status", "night", "-o", out).out())
          .contains("running", "3 of 4 answers (75.0%)", "start 1: process");

      // Each answer once, while the job runs.
      Outcome partial = weft("partial", "night", "-o", out);
      assertThat(partial.out().lines()).hasSize(2);
      assertThat(partial.out()).contains("\"text\":\"two\"").contains("\"status\":\"ok\"");

      Outcome clean = weft("clean", "night", "-o", out, "--yes", "--force");
      assertThat(clean.code()).isEqualTo(2);
      assertThat(clean.err()).contains("RUN_ACTIVE");
    }
    assertThat(weft("runs", "-o", out).out()).containsPattern("night +stopped +3 of 4 answers");
    Outcome kept = weft("clean", "night", "-o", out, "--yes");
    assertThat(kept.code()).isEqualTo(2);
    assertThat(kept.err()).contains("is not complete", "--force");

    run.write(run.summary(), Map.of("outcome", "ALL_ANSWERED"));
    assertThat(weft("runs", "-o", out, "--json").out()).contains("\"COMPLETE\"");
    assertThat(weft("clean", "--complete", "-o", out).out()).contains("would be removed", "bytes");
    assertThat(folder.resolve("_weft/runs/night")).exists();
    assertThat(weft("clean", "--complete", "-o", out, "--yes").out()).contains("removed", "freed");
    assertThat(folder.resolve("_weft/runs/night")).doesNotExist();
    assertThat(weft("runs", "-o", out).out()).contains("no runs");
  }

  @ParameterizedTest
  @ValueSource(strings = {"..", "../other", "a/b", ".hidden", "a\u0000b", "a\nb", "", "-x y"})
  void aNameThatLeadsElsewhereIsRefused(String name) {
    for (String command : new String[] {"status", "partial", "clean", "resume"}) {
      Outcome outcome = weft(command, "-o", folder.toString(), "--", name);
      assertThat(outcome.code()).as(command).isEqualTo(2);
      assertThat(outcome.err()).as(command).contains("is not a name of a run");
    }
  }

  @Test
  void aRunThatIsNotThereIsSaidSo() {
    for (String command : new String[] {"status", "partial", "clean", "resume"}) {
      Outcome outcome = weft(command, "nobody", "-o", folder.toString());
      assertThat(outcome.code()).as(command).isEqualTo(2);
      assertThat(outcome.err()).as(command).contains("RUN_UNKNOWN");
    }
  }
}
