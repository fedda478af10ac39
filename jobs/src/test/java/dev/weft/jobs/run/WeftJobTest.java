package dev.weft.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.config.WeftConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeftJobTest {
  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  private WeftConfig config(Map<String, String> more) {
    Map<String, String> keys = new HashMap<>();
    keys.put("model.path", TestSpark.stories().toString());
    keys.put("output.path", folder.resolve("out").toString());
    keys.put("calibration.folder", folder.resolve("cache").toString());
    keys.putAll(more);
    return WeftConfig.of(keys);
  }

  @Test
  void planTellsOrderSavingsAndTimes() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      lines.append(
          "{\"custom_id\":\"%d\",\"body\":{\"prompt\":\"Once upon a time there was a little %s named %s. One day\",\"max_tokens\":20}}\n"
              .formatted(i, i % 2 == 0 ? "girl" : "boy", "abcdefghij".charAt(i % 10)));
    }
    lines.append("{broken\n");
    Files.writeString(folder.resolve("in.jsonl"), lines);
    PlanSummary plan =
        WeftJob.plan(
            spark,
            config(Map.of("input.paths", folder.resolve("in.jsonl").toString())),
            ProgressListener.none());
    assertThat(plan.rows()).isEqualTo(61);
    assertThat(plan.errorRows()).isEqualTo(1);
    assertThat(plan.requests()).isEqualTo(10);
    assertThat(plan.duplicateRows()).isEqualTo(50);
    assertThat(plan.predictions()).extracting(p -> p.policy()).contains("fcfs", "dfs", "blend");
  }

  @Test
  void runsFromLinesToResults() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      lines.append(
          "{\"custom_id\":\"%d\",\"body\":{\"prompt\":\"Once upon a time there was a little %s named %s. One day\",\"max_tokens\":20}}\n"
              .formatted(i, i % 2 == 0 ? "girl" : "boy", "abcdefghij".charAt(i % 10)));
    }
    lines.append("{broken\n");
    Files.writeString(folder.resolve("in.jsonl"), lines);
    RunSummary run =
        WeftJob.run(
            spark,
            config(Map.of("input.paths", folder.resolve("in.jsonl").toString())),
            ProgressListener.none());
    assertThat(run.rows()).isEqualTo(new RunSummary.Rows(61, 60, 1, 50, 0));
  }
}
