package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Format, order, partitions, policy, batch and pages of a run change its cost and never its
 * answers.
 */
class SameAnswersTest {
  private static final int REQUESTS = 48;

  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  private static String prompt(int i) {
    return "Once upon a time there was a %s %s who lived in a house with %d cats."
        .formatted(i % 2 == 0 ? "little" : "very big", i % 3 == 0 ? "girl" : "dog", i % 5);
  }

  private RunSummary run(String id, String input, Map<String, String> more) {
    Map<String, String> keys = new HashMap<>(more);
    keys.put("run.id", id);
    keys.put("sampling.temperature", "0.7");
    keys.put("sampling.maxTokens", "16");
    return WeftJob.run(spark, JobFixture.config(folder, input, keys), ProgressListener.none());
  }

  private Map<String, String> answers(String id) {
    return JobFixture.answers(spark, folder + "/out", id);
  }

  @Test
  void inEveryFormatOrderAndPartitioning() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      lines.add(
          "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"%s\",\"n\":%d}}"
              .formatted(i, prompt(i), 1 + i % 2));
    }
    Path jsonl = Files.writeString(folder.resolve("in.jsonl"), String.join("\n", lines));
    RunSummary first = run("jsonl", jsonl.toString(), Map.of("plan.policy", "fcfs"));
    assertThat(first.outcome()).isEqualTo(RunSummary.Outcome.ALL_ANSWERED);
    Map<String, String> expected = answers("jsonl");
    assertThat(expected).hasSize(REQUESTS);
    // The cache held everything, so it saved what the prefix tree says is possible.
    assertThat(first.tokens().sharedPrompt()).isPositive();

    long seed = 3;
    Collections.shuffle(lines, new Random(seed));
    Files.createDirectories(folder.resolve("many"));
    for (int part = 0; part < 3; part++) {
      Files.write(
          folder.resolve("many/%d.jsonl".formatted(part)),
          lines.subList(16 * part, 16 * part + 16));
    }
    RunSummary shuffled =
        run(
            "shuffled",
            folder.resolve("many").toString(),
            Map.of(
                "plan.policy", "dfs",
                "plan.partitions", "5",
                "plan.sampleFraction", "0.2",
                "plan.sampleMinRequests", "8",
                "engine.maxSequences", "3",
                "engine.budgetTokens", "7",
                "ledger.pieceRows", "2"));
    assertThat(answers("shuffled")).as("seed %d", seed).isEqualTo(expected);
    assertThat(shuffled.plan().outputLengthSource()).isEqualTo("sample");
    assertThat(shuffled.plan().sampledRequests()).isEqualTo(10);
    assertThat(shuffled.partitions()).hasSize(5);

    Dataset<Row> table =
        spark.sql(
            "select custom_id as id, body.prompt as prompt, cast(body.n as int) as n,"
                + " length(custom_id) as kept, 'x' as text from json.`"
                + jsonl
                + "`");
    table.repartition(3).write().parquet(folder + "/parquet");
    table.repartition(2).write().format("delta").save(folder + "/delta");
    RunSummary chosen =
        run(
            "parquet",
            folder + "/parquet",
            Map.of(
                "plan.policy", "auto",
                "plan.objective", "energy",
                "plan.sampleFraction", "0.2",
                "plan.sampleMinRequests", "8"));
    assertThat(answers("parquet")).isEqualTo(expected);
    assertThat(chosen.plan().objective().name()).isEqualTo("energy");
    assertThat(chosen.plan().policyNote()).contains("plan.policy is auto", "energy");
    assertThat(chosen.plan().cost().energySource()).contains("mean power of the sample");
    assertThat(chosen.plan().predictions())
        .allSatisfy(p -> assertThat(p.energyJoules().predicted()).isPositive());
    run("delta", folder + "/delta", Map.of("plan.partitions", "2"));
    assertThat(answers("delta")).isEqualTo(expected);
    Row carried =
        spark
            .read()
            .format("delta")
            .load(folder + "/out/results")
            .where("run_id = 'delta'")
            .selectExpr("sum(kept)", "max(input_text)")
            .first();
    assertThat(carried.getLong(0)).isEqualTo(10 * 2 + 38 * 3);
    assertThat(carried.getString(1)).isEqualTo("x");
  }
}
