package dev.weft.jobs.notebook;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.job.TestSpark;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Zeppelin note: its form, and each of its statements on the tables of a real run. */
class NotebookTest {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));
  private static final Path NOTE = ROOT.resolve("notebooks/weft-run_2JWEFT0RN.zpln");
  private static final Path DEMO = ROOT.resolve("datasets/demo");
  private static final int REQUESTS = 6;

  @TempDir Path folder;

  @Test
  void hasTheFormOfAZeppelinNote() throws IOException {
    ZeppelinNote note = ZeppelinNote.read(NOTE);
    assertThat(NOTE.getFileName().toString())
        .isEqualTo(
            note.json().required("name").asText()
                + "_"
                + note.json().required("id").asText()
                + ".zpln");
    assertThat(note.json().required("defaultInterpreterGroup").asText()).isEqualTo("spark");
    Set<String> ids = new HashSet<>();
    for (JsonNode paragraph : note.paragraphs()) {
      assertThat(ids.add(paragraph.required("id").asText())).isTrue();
      assertThat(paragraph.required("text").asText()).startsWith("%");
      assertThat(paragraph.required("status").asText()).isEqualTo("READY");
      assertThat(paragraph.at("/settings/params").isObject()).isTrue();
      assertThat(paragraph.at("/settings/forms").isObject()).isTrue();
      assertThat(paragraph.at("/config/results").isObject()).isTrue();
      assertThat(paragraph.at("/config/enabled").asBoolean()).isTrue();
      assertThat(paragraph.has("results")).as("a note is kept without its results").isFalse();
    }
    assertThat(ids).hasSizeGreaterThan(8);
  }

  @Test
  void everyStatementRunsOnTheTablesOfARun() throws IOException {
    SparkSession spark = TestSpark.session();
    Path output = folder.resolve("out put");
    Path expected = head("expected.jsonl");
    run(spark, output, expected);
    Map<String, String> forms =
        Map.of("output", output.toString(), "expected", expected.toString());
    List<String> empty = new ArrayList<>();
    for (JsonNode paragraph : ZeppelinNote.read(NOTE).paragraphs()) {
      for (String statement : ZeppelinNote.statements(paragraph, forms)) {
        List<Row> rows = spark.sql(statement).collectAsList();
        if (rows.isEmpty() && !statement.startsWith("CREATE")) {
          empty.add(paragraph.required("title").asText());
        } else {
          chartColumnsExist(paragraph, rows);
        }
      }
    }
    assertThat(empty)
        .as("paragraphs without rows, where no row failed")
        .containsExactly("Error rows");
    assertThat(spark.sql("SELECT sum(answered_rows) FROM weft_run").first().getLong(0))
        .isEqualTo(REQUESTS);
  }

  private void run(SparkSession spark, Path output, Path expected) throws IOException {
    RunSummary run =
        WeftJob.run(
            spark,
            WeftConfig.of(
                Map.of(
                    "input.paths", head("requests.jsonl").toString(),
                    "input.expectedPath", expected.toString(),
                    "model.path", DEMO.resolve("weft-demo.gguf").toString(),
                    "output.path", output.toString(),
                    "engine.kvBytes", "64MiB",
                    "calibration.seconds", "1",
                    "calibration.folder", folder.resolve("calibration").toString())),
            ProgressListener.none());
    assertThat(run.rows().answered()).isEqualTo(REQUESTS);
  }

  private static void chartColumnsExist(JsonNode paragraph, List<Row> rows) {
    JsonNode graph = paragraph.at("/config/results/0/graph");
    for (String role : List.of("keys", "groups", "values")) {
      for (JsonNode column : graph.path(role)) {
        assertThat(rows.getFirst().schema().fieldNames())
            .contains(column.required("name").asText());
      }
    }
  }

  private Path head(String name) throws IOException {
    Path file = folder.resolve(name);
    if (!Files.exists(file)) {
      try (Stream<String> lines = Files.lines(DEMO.resolve(name))) {
        Files.write(file, lines.limit(REQUESTS).toList());
      }
    }
    return file;
  }
}
