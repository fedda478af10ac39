package dev.weft.datasets.bbh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BbhConverterTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String HEADER = "Please keep this out of training data.\n-----\n";

  @TempDir Path folder;

  @BeforeEach
  void writeTask() throws IOException {
    Files.createDirectories(folder.resolve("bbh"));
    Files.createDirectories(folder.resolve("cot-prompts"));
    Files.writeString(
        folder.resolve("cot-prompts/sums.txt"),
        HEADER + "Add the numbers.\n\nQ: 1 + 1\nA: One and one is 2.\n\nQ: 2 + 2\nA: It is 4.\n");
    Files.writeString(
        folder.resolve("bbh/sums.json"),
        """
        {"canary": "keep out", "examples": [
          {"input": "3 + 3", "target": "6"}, {"target": "12345", "input": "12,000 + 345"}]}
        """);
  }

  @Test
  void aPromptIsTheTasksExamplesThenTheQuestion() throws IOException {
    List<JsonNode> lines = convert(Integer.MAX_VALUE, new BbhConverter.Summary(2, 0, 0));

    assertThat(lines.get(0).at("/body/prompt").asText())
        .isEqualTo(
            "Add the numbers.\n\nQ: 1 + 1\nA: One and one is 2.\n\nQ: 2 + 2\nA: It is 4."
                + "\n\nQ: 3 + 3\nA: Let's think step by step.\n");
    assertThat(lines.get(0).get("custom_id").asText()).isEqualTo("bbh-sums-0");
    assertThat(lines.get(0).get("url").asText()).isEqualTo("/v1/completions");
    assertThat(lines.get(1).at("/body/max_tokens").asInt()).isEqualTo(64);
    assertThat(Files.readString(folder.resolve("expected.jsonl")))
        .contains("{\"custom_id\":\"bbh-sums-1\",\"task\":\"sums\",\"expected\":\"12345\"}");
  }

  @Test
  void aLimitDropsTheFirstExamplesForAllQuestionsOfTheTask() throws IOException {
    List<JsonNode> lines = convert(95, new BbhConverter.Summary(2, 1, 0));

    for (JsonNode line : lines) {
      assertThat(line.at("/body/prompt").asText())
          .startsWith("Add the numbers.\n\nQ: 2 + 2\nA: It is 4.\n\nQ: ")
          .hasSizeLessThanOrEqualTo(95);
    }
  }

  @Test
  void questionsAreNeverCutAndPromptsOverTheLimitAreCounted() throws IOException {
    List<JsonNode> lines = convert(10, new BbhConverter.Summary(2, 1, 2));

    assertThat(lines.get(1).at("/body/prompt").asText())
        .isEqualTo("Add the numbers.\n\nQ: 12,000 + 345\nA: Let's think step by step.\n");
  }

  @Test
  void brokenInputIsNamedWithItsFile() throws IOException {
    Path task = folder.resolve("bbh/sums.json");
    for (String broken :
        List.of(
            "[]",
            "{}",
            "{\"examples\": 3}",
            "{\"examples\": [{\"input\": \"3 + 3\"}]}",
            "{\"examples\": [{\"input\": \"3 + 3\", \"target\": 6}]}",
            "{\"examples\": [{\"input\": \"3 +")) {
      Files.writeString(task, broken);
      assertThatThrownBy(() -> convert(100, null))
          .as(broken)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("sums.json");
    }
    Files.writeString(folder.resolve("cot-prompts/sums.txt"), "no header");
    assertThatThrownBy(() -> convert(100, null))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("sums.txt");
  }

  @Test
  void convertsAllOfBigBenchHard() throws IOException {
    Path bbh = Path.of(System.getProperty("weft.shared.data", ""), "requests", "bbh");
    assumeTrue(
        Files.isDirectory(bbh.resolve("bbh")),
        "skipped: BIG-Bench Hard is not there; set weft.shared.data to a folder with requests/bbh");
    Path requests = folder.resolve("requests.jsonl");

    BbhConverter.Summary summary =
        new BbhConverter(4_000, 64, "any").convert(bbh, requests, folder.resolve("expected.jsonl"));

    assertThat(summary.requests()).isEqualTo(6_511);
    assertThat(summary.tasksWithDroppedShots()).isBetween(1, 26);
    List<JsonNode> lines = read(requests);
    Set<String> ids = new HashSet<>();
    long overLimit = 0;
    for (JsonNode line : lines) {
      String prompt = line.at("/body/prompt").asText();
      assertThat(prompt).doesNotContain("canary").endsWith("\nA: Let's think step by step.\n");
      ids.add(line.get("custom_id").asText());
      overLimit += prompt.length() > 4_000 ? 1 : 0;
    }
    assertThat(ids).hasSize(6_511);
    assertThat(overLimit).isEqualTo(summary.promptsOverLimit());
  }

  private List<JsonNode> convert(int maxCharacters, BbhConverter.Summary wanted)
      throws IOException {
    Path requests = folder.resolve("requests.jsonl");
    BbhConverter converter = new BbhConverter(maxCharacters, 64, "any");
    BbhConverter.Summary summary =
        converter.convert(folder, requests, folder.resolve("expected.jsonl"));
    assertThat(summary).isEqualTo(wanted);
    return read(requests);
  }

  private static List<JsonNode> read(Path file) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }
}
