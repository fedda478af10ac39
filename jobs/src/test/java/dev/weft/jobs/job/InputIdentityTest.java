package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.run.ProgressListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run whose input has become another, which its name, length and time do not tell. */
class InputIdentityTest {
  private static final String LINE = "{\"custom_id\":\"%s\",\"body\":{\"prompt\":\"A %s.\"}}\n";

  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  private static void write(Path file, String animal) throws IOException {
    Files.writeString(file, LINE.formatted("a", "cat") + LINE.formatted("b", animal));
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_790_000_000_000L));
  }

  /** Prepares the rows of a run. */
  private void plan(Path input) {
    WeftConfig config =
        JobFixture.config(
            folder, input.toString(), Map.of("run.id", "r", "engine.backend", "scalar"));
    WeftJob.plan(spark, config, ProgressListener.none());
  }

  /** What the run had prepared is gone, and with it all that says what its input was. */
  private void losePrepared() throws IOException {
    List<Path> lost = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder.resolve("out/_weft/runs/r"))) {
      files.filter(f -> f.getFileName().toString().startsWith("prepared")).forEach(lost::add);
    }
    assertThat(lost).hasSizeGreaterThanOrEqualTo(2);
    for (Path one : lost) {
      try (Stream<Path> files = Files.walk(one)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private void isRefused(Path input, String what) {
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> plan(input))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_SETTINGS_DIFFER))
        .withMessageContaining(what);
  }

  @Test
  void otherLinesOfTheSameLengthAndTime() throws Exception {
    Path input = folder.resolve("in.jsonl");
    write(input, "dog");
    plan(input);
    losePrepared();
    write(input, "cow");
    isRefused(input, "input content: the run has 2 rows of digest");
    write(input, "dog");
    plan(input);
  }

  @Test
  void otherRowsOfAFileOfTheSameLengthAndTime() throws Exception {
    Path input = folder.resolve("in.parquet");
    FileTime time = FileTime.fromMillis(1_790_000_000_000L);
    parquet(input, "dog");
    Files.setLastModifiedTime(input, time);
    plan(input);
    losePrepared();
    long bytes = Files.size(input);
    parquet(input, "cow");
    assertThat(Files.size(input)).isEqualTo(bytes);
    Files.setLastModifiedTime(input, time);
    isRefused(input, "input content");
  }

  private void parquet(Path file, String carried) throws IOException {
    Path table = Files.createTempDirectory(folder, "table");
    spark
        .sql(
            "select '1' id, 'A tale' prompt, '%s' animal, map('k', '%s') notes, array(1.5d) list"
                .formatted(carried, carried))
        .coalesce(1)
        .write()
        .mode("overwrite")
        .option("compression", "uncompressed")
        .parquet(table.toString());
    try (Stream<Path> files = Files.list(table)) {
      Path only = files.filter(f -> f.toString().endsWith(".parquet")).findFirst().orElseThrow();
      Files.move(only, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Test
  void aDeltaTableThatWasMadeAnew() throws Exception {
    String select = "select '1' id, '%s' prompt";
    for (String prompt : List.of("A tale", "A poem")) {
      Path table = folder.resolve("table");
      if (Files.exists(table)) {
        try (Stream<Path> files = Files.walk(table)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
      spark.sql(select.formatted(prompt)).write().format("delta").save(table.toString());
      if (prompt.equals("A tale")) {
        plan(table);
      } else {
        isRefused(table, "input: the run has");
      }
    }
  }
}
