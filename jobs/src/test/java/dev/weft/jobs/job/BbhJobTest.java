package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.datasets.bbh.BbhConverter;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real requests with long shared prefixes: BIG-Bench Hard with its chain-of-thought prompts. */
class BbhJobTest {
  @TempDir Path folder;

  @Test
  void savesExactlyWhatThePrefixTreeSaysIsPossible() throws IOException {
    Path bbh = Path.of(System.getProperty("weft.shared.data", ""), "requests/bbh");
    Assumptions.assumeTrue(
        Files.isDirectory(bbh), "skipped: BIG-Bench Hard is not in weft.shared.data (" + bbh + ")");
    Path all = folder.resolve("all.jsonl");
    Path expected = folder.resolve("expected.jsonl");
    new BbhConverter(700, 6, "stories").convert(bbh, all, expected);
    // Neighbours of each task, so that prefixes are shared.
    List<String> lines = Files.readAllLines(all);
    assertThat(lines).hasSize(6511);
    List<String> some = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      if (i % 100 < 2) {
        some.add(lines.get(i));
      }
    }
    Path input = Files.write(folder.resolve("in.jsonl"), some);
    RunSummary run =
        WeftJob.run(
            TestSpark.session(),
            JobFixture.config(
                folder,
                input.toString(),
                Map.of("input.longPrompts", "keep_end", "plan.sampleFraction", "0.05")),
            ProgressListener.none());
    assertThat(run.rows().total()).isEqualTo(some.size());
    assertThat(run.rows().answered()).isEqualTo(some.size());
    assertThat(run.plan().outputLengthSource()).isEqualTo("sample");
    assertThat(run.tokens().reusablePrompt()).isPositive();
    assertThat(run.tokens().sharedPrompt()).isEqualTo(run.tokens().reusablePrompt());
  }
}
