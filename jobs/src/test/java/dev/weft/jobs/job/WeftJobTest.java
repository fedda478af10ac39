package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.Outcome;
import dev.weft.jobs.sink.ResultTable;
import dev.weft.jobs.state.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeftJobTest {
  private final SparkSession spark = TestSpark.session();
  private final List<String> warnings = new ArrayList<>();
  private final ProgressListener listener =
      new ProgressListener() {
        @Override
        public void warning(String message) {
          warnings.add(message);
        }
      };
  @TempDir Path folder;

  /** One line for each kind of bad row, and good ones that ask for different things. */
  private static final Map<String, String> LINES = new LinkedHashMap<>();

  static {
    line("a", "\"prompt\": \"Once upon a time\", \"max_tokens\": 12, \"user\": \"someone\"");
    line("same as a", "\"prompt\": \"Once upon a time\", \"max_tokens\": 12, \"top_p\": 0.5");
    line("longer than a", "\"prompt\": \"Once upon a time\", \"max_tokens\": 13");
    line("drawn", "\"prompt\": \"Once\", \"max_tokens\": 8, \"temperature\": 1");
    line("drawn too", "\"prompt\": \"Once\", \"max_tokens\": 8, \"temperature\": 1");
    line("seeded", "\"prompt\": \"Once\", \"max_tokens\": 8, \"temperature\": 1, \"seed\": 5");
    line("seeded too", "\"prompt\": \"Once\", \"max_tokens\": 8, \"temperature\": 1, \"seed\": 5");
    line("three", "\"prompt\": \"The cat\", \"max_tokens\": 6, \"temperature\": 1, \"n\": 3");
    line("scored", "\"prompt\": \"The dog\", \"max_tokens\": 5, \"logprobs\": 2");
    line("stopped", "\"prompt\": \"Once upon a time\", \"max_tokens\": 40, \"stop\": [\"was\"]");
    line("tokens", "\"prompt\": [1, 403, 407], \"max_tokens\": 4");
    line(
        "chat",
        "\"messages\": [{\"role\": \"user\", \"content\": \"hi </s>\"}], \"max_tokens\": 4");
    LINES.put("broken", "{\"custom_id\": \"broken\", ");
    LINES.put("no id", "{\"body\": {\"prompt\": \"x\"}}");
    LINES.put("taken", "{\"custom_id\": \"a\", \"body\": {\"prompt\": \"another a\"}}");
    line("role", "\"messages\": [{\"role\": \"boss\", \"content\": \"hi\"}]");
    line("range", "\"prompt\": \"x\", \"temperature\": 3");
    line("empty", "\"prompt\": \"\"");
    line("huge", "\"prompt\": \"" + "x".repeat(3000) + "\"");
    line("long", "\"prompt\": \"" + "many words ".repeat(200) + "\"");
    line("vocabulary", "\"prompt\": [1, 512]");
    line("tools", "\"prompt\": \"x\", \"tools\": [{}]");
  }

  private static void line(String id, String body) {
    LINES.put(id, "{\"custom_id\": \"%s\", \"body\": {%s}}".formatted(id, body));
  }

  @Test
  void everyRowEndsAsAnAnswerOrANamedErrorExactlyOnce() throws IOException {
    Path input = Files.writeString(folder.resolve("in.jsonl"), String.join("\n", LINES.values()));
    Path expected =
        Files.writeString(
            folder.resolve("expected.jsonl"),
            """
            {"custom_id": "range", "task": "t", "expected": "nothing"}
            {"custom_id": "stopped", "task": "t", "expected": ", there "}
            {"custom_id": "nobody", "task": "u", "expected": "x"}
            """);
    WeftConfig config =
        JobFixture.config(
            folder,
            input.toString(),
            Map.of(
                "run.id", "all-kinds",
                "input.maxPromptBytes", "2500",
                "input.expectedPath", expected.toString(),
                "ledger.pieceRows", "3",
                "cost.pricePerHour", "1",
                "cost.currency", "EUR"));
    RunSummary run = WeftJob.run(spark, config, listener);

    Map<String, Row> rows = new HashMap<>();
    Dataset<Row> table = spark.read().format("delta").load(folder + "/out/results");
    table.collectAsList().forEach(r -> rows.put(name(r), r));
    assertThat(rows).hasSameSizeAs(LINES.keySet());
    Map<String, ErrorCode> errors = new HashMap<>();
    rows.forEach(
        (name, row) -> {
          Row error = row.getAs("error");
          assertThat(row.<String>getAs("status")).isEqualTo(error == null ? "ok" : "error");
          if (error != null) {
            ErrorCode code = ErrorCode.valueOf(error.getAs("code"));
            assertThat(error.<String>getAs("category")).isEqualTo(code.category().label());
            assertThat(error.<String>getAs("hint")).isEqualTo(code.hint());
            assertThat(error.<String>getAs("message")).isNotBlank();
            errors.put(name, code);
          } else {
            assertThat(row.<String>getAs("finish_reason")).isIn("length", "stop");
          }
        });
    assertThat(errors)
        .containsOnly(
            Map.entry("line 13", ErrorCode.ROW_BROKEN_JSON),
            Map.entry("line 14", ErrorCode.ID_MISSING),
            Map.entry("line 15", ErrorCode.ID_DUPLICATE),
            Map.entry("role", ErrorCode.ROLE_UNKNOWN),
            Map.entry("range", ErrorCode.PARAMETER_OUT_OF_RANGE),
            Map.entry("empty", ErrorCode.PROMPT_EMPTY),
            Map.entry("huge", ErrorCode.PROMPT_TOO_LARGE),
            Map.entry("long", ErrorCode.PROMPT_EXCEEDS_CONTEXT),
            Map.entry("vocabulary", ErrorCode.TOKEN_OUT_OF_RANGE),
            Map.entry("tools", ErrorCode.FIELD_UNSUPPORTED));
    assertThat(rows.get("line 15").<Row>getAs("error").<String>getAs("message"))
        .contains("line 1 ")
        .contains("in.jsonl");

    assertThat(text(rows, "same as a")).isEqualTo(text(rows, "a"));
    assertThat(rows.get("same as a").<String>getAs("answered_by_id")).isEqualTo("a");
    assertThat(text(rows, "longer than a")).startsWith(text(rows, "a"));
    assertThat(rows.get("longer than a").<String>getAs("answered_by_id")).isNull();
    assertThat(text(rows, "drawn")).isNotEqualTo(text(rows, "drawn too"));
    assertThat(text(rows, "seeded too")).isEqualTo(text(rows, "seeded"));
    assertThat(rows.get("seeded too").<String>getAs("answered_by_id")).isEqualTo("seeded");
    List<Row> three = rows.get("three").getList(rows.get("three").fieldIndex("choices"));
    assertThat(three).extracting(c -> c.<Integer>getAs("index")).containsExactly(0, 1, 2);
    assertThat(three).extracting(c -> c.<String>getAs("text")).doesNotHaveDuplicates();
    Row scored = rows.get("scored").<Row>getList(rows.get("scored").fieldIndex("choices")).get(0);
    List<Row> logprobs = scored.getList(scored.fieldIndex("logprobs"));
    assertThat(logprobs).hasSize(5);
    assertThat(logprobs.getFirst().<Row>getList(logprobs.getFirst().fieldIndex("top"))).hasSize(2);
    assertThat(rows.get("stopped").<String>getAs("finish_reason")).isEqualTo("stop");
    assertThat(text(rows, "stopped")).doesNotContain("was");

    assertThat(run.outcome()).isEqualTo(Outcome.SOME_ERRORS);
    assertThat(run.rows()).isEqualTo(new RunSummary.Rows(22, 12, 10, 2, 0));
    assertThat(run.accuracy().rows()).isEqualTo(2);
    assertThat(run.accuracy().correct()).isEqualTo(1);
    assertThat(run.errors()).extracting(e -> e.rows()).containsOnly(1L);
    assertThat(run.energy().money()).isPositive();
    assertThat(warnings)
        .anyMatch(w -> w.contains("no chat template"))
        .anyMatch(w -> w.contains("body.user (1 rows)"));
    assertThat(run.warnings()).anyMatch(w -> w.contains("1 expected answers belong to no row"));
    metricsAddUp(run);
    report(run);
    startedAgain(config, table);
  }

  private static String name(Row row) {
    String id = row.getAs("id");
    boolean taken = row.<Long>getAs("source_line") == 15;
    return id == null || taken ? "line " + row.<Long>getAs("source_line") : id;
  }

  private static String text(Map<String, Row> rows, String id) {
    return rows.get(id).getAs("text");
  }

  private void metricsAddUp(RunSummary run) {
    Dataset<Row> requests = spark.read().parquet(folder + "/out/metrics/requests");
    assertThat(requests.columns())
        .contains("run_id", "id", "sample", "prefill_seconds", "energy_joules", "energy_source")
        .contains("backend", "device", "weight_formats", "kv_format", "weft_commit");
    Row sums = requests.selectExpr("count(*)", "sum(prompt_tokens)", "sum(output_tokens)").first();
    assertThat(sums.getLong(0)).isEqualTo(12);
    assertThat(sums.getLong(1)).isEqualTo(run.tokens().prompt());
    assertThat(sums.getLong(2)).isEqualTo(run.tokens().output());
    Row steps =
        spark
            .read()
            .parquet(folder + "/out/metrics/steps")
            .selectExpr("sum(prefill_tokens)", "sum(seconds)", "max(one_of_steps)")
            .first();
    assertThat(steps.getLong(0)).isEqualTo(run.tokens().computedPrompt());
    assertThat(steps.getInt(2)).isEqualTo(1);
    assertThat(run.steps().stream().mapToLong(s -> s.prefillTokens()).sum())
        .isEqualTo(run.tokens().computedPrompt());
    Row one = spark.read().parquet(folder + "/out/metrics/run").first();
    assertThat(one.<Long>getAs("rows")).isEqualTo(22);
    assertThat(one.<String>getAs("run_id")).isEqualTo("all-kinds");
  }

  private void report(RunSummary run) throws IOException {
    JsonNode report = RunFolder.JSON.readTree(folder.resolve("out/report.json").toFile());
    assertThat(report.path("rows").path("answered").longValue()).isEqualTo(12);
    assertThat(folder.resolve("out/report.html")).isNotEmptyFile();
    assertThat(run.stages()).extracting(s -> s.stage()).contains("prepare", "infer", "commit");
  }

  /**
   * A second start does nothing; a commit that comes again adds nothing; other settings are
   * refused.
   */
  private void startedAgain(WeftConfig config, Dataset<Row> table) throws IOException {
    RunSummary again = WeftJob.run(spark, config, listener);
    assertThat(again.outcome()).isEqualTo(Outcome.ALREADY_COMPLETE_SOME_ERRORS);
    assertThat(again.rows().total()).isEqualTo(22);

    Dataset<Row> rows = spark.read().format("delta").load(folder + "/out/results");
    new ResultTable(spark, folder + "/out/results").commit("all-kinds", rows, () -> {});
    assertThat(spark.read().format("delta").load(folder + "/out/results").count()).isEqualTo(22);

    WeftConfig other =
        JobFixture.config(
            folder,
            config.input().paths().getFirst(),
            Map.of(
                "run.id", "all-kinds",
                "input.maxPromptBytes", "2500",
                "sampling.temperature", "0.5"));
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> WeftJob.run(spark, other, listener))
        .matches(e -> e.code() == ErrorCode.RUN_SETTINGS_DIFFER)
        .withMessageContaining("sampling.temperature: the run has 0.0, this start 0.5");
    partialResults();
  }

  /** The ledger of a run reads as its table does, less what is not done. */
  private void partialResults() throws IOException {
    String out = folder.resolve("out").toString();
    Dataset<Row> table = spark.read().format("delta").load(out + "/results");
    List<String> rows = table.orderBy("row_key").toJSON().collectAsList();
    assertThat(
            PartialResults.of(spark, out, "all-kinds").orderBy("row_key").toJSON().collectAsList())
        .isEqualTo(rows);
    try (Stream<Path> pieces = Files.list(folder.resolve("out/_weft/runs/all-kinds/ledger"))) {
      for (Path piece : pieces.filter(f -> f.toString().contains("results-")).toList()) {
        Files.write(piece, new byte[1]);
      }
    }
    List<String> errors =
        PartialResults.of(spark, out, "all-kinds").orderBy("row_key").toJSON().collectAsList();
    assertThat(errors).hasSize(10).isSubsetOf(rows);
  }

  @Test
  void stopsBeforeAnyWorkWithAMessageToActOn() throws IOException {
    Path input = Files.writeString(folder.resolve("in.jsonl"), "{broken\n");
    Path notAModel = Files.writeString(folder.resolve("x.gguf"), "not a model");
    fails(ErrorCode.INPUT_NOT_FOUND, "none.jsonl", folder + "/none.jsonl", Map.of());
    fails(
        ErrorCode.MODEL_NOT_FOUND,
        "does not exist",
        input.toString(),
        Map.of("model.path", folder + "/none.gguf"));
    fails(
        ErrorCode.MODEL_UNREADABLE,
        "x.gguf",
        input.toString(),
        Map.of("model.path", notAModel.toString()));
    fails(
        ErrorCode.OPTION_INVALID, "pageTokens", input.toString(), Map.of("engine.pageTokens", "4"));
    fails(ErrorCode.OPTION_INVALID, "output.path", input.toString(), Map.of("output.path", ""));
    fails(
        ErrorCode.OUTPUT_CONFLICT,
        "is a file",
        input.toString(),
        Map.of("output.path", input.toString()));
    fails(
        ErrorCode.OPTION_INVALID,
        "chatTemplate",
        input.toString(),
        Map.of("model.chatTemplate", folder + "/none.jinja"));
    assertThat(folder.resolve("out")).doesNotExist();
    fails(
        ErrorCode.ROWS_FAILED,
        "in.jsonl line 1",
        input.toString(),
        Map.of("run.failOnError", "true"));
    assertThat(folder.resolve("out/results")).doesNotExist();
  }

  private void fails(ErrorCode code, String message, String input, Map<String, String> more) {
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> WeftJob.run(spark, JobFixture.config(folder, input, more), listener))
        .withMessageContaining(message)
        .matches(e -> e.code() == code, code.name());
  }
}
