package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.run.ProgressListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs with models that are Hugging Face folders. */
class HuggingFaceJobTest {
  @TempDir Path folder;
  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark = TestSpark.session();
  }

  private static Path shared(String name) {
    Path path = Path.of(System.getProperty("weft.shared.data", "absent"), "models", name);
    assumeTrue(Files.isDirectory(path), "skipped: " + path + " is not there");
    return path;
  }

  private Map<String, String> run(String id, String input, Path model) {
    WeftJob.run(
        spark,
        JobFixture.config(
            folder,
            input,
            Map.of(
                "run.id",
                id,
                "model.path",
                model.toString(),
                "sampling.maxTokens",
                "24",
                "engine.threads",
                "1")),
        ProgressListener.none());
    return JobFixture.answers(spark, folder.resolve("out").toString(), id);
  }

  private static String line(String id, String prompt) {
    return "{\"custom_id\":\"%s\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"%s\"}}"
        .formatted(id, prompt);
  }

  @Test
  void aFolderAnswersAsItsGgufFile() throws IOException {
    Path input =
        Files.write(
            folder.resolve("in.jsonl"),
            List.of(
                line("a", "Once upon a time"),
                line("b", "Once upon a time, there was a little girl"),
                line("c", "The dog")));
    Map<String, String> gguf = run("gguf", input.toString(), TestSpark.stories());
    Map<String, String> hf = run("hf", input.toString(), shared("stories260K/hf"));
    assertThat(hf).hasSize(3).isEqualTo(gguf);
    assertThat(hf.get("a")).contains("\"ok\"");
  }

  @Test
  void aFolderWithoutTokenizerTakesTokenIds() {
    Path input = folder.resolve("in.parquet");
    spark
        .sql(
            """
            select 'ids' as id, array(31, 7, 90) as token_ids, cast(null as string) as prompt
            union all select 'text', null, 'Once upon a time'
            """)
        .write()
        .parquet(input.toString());
    Map<String, String> answers = run("ids", input.toString(), shared("architectures/qwen3"));
    assertThat(answers.get("ids")).contains("\"ok\"").containsPattern("\"text\":\"([0-9]+ )+");
    assertThat(answers.get("text")).contains(ErrorCode.TOKENIZER_FAILED.name());
  }
}
