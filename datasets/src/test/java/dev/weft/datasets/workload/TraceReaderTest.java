package dev.weft.datasets.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceReaderTest {
  private static final String GOOD =
      "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 7, \"hash_ids\": [3, 9]}";

  @TempDir Path folder;

  @Test
  void equalHashesAreEqualTokens() throws IOException {
    String other =
        "{\"timestamp\": 1, \"input_length\": 1024, \"output_length\": 1, \"hash_ids\": [3, 4]}";
    Workload trace = MooncakeTrace.read(file("t.jsonl", GOOD, "", other));
    assertThat(trace.name()).isEqualTo("t");
    assertThat(trace.size()).isEqualTo(2);
    assertThat(trace.promptTokens(0)).isEqualTo(600);
    assertThat(trace.outputTokens(0)).isEqualTo(7);
    assertThat(trace.isOutputKnown(0)).isTrue();
    assertThat(Arrays.mismatch(trace.prompt(0), trace.prompt(1))).isEqualTo(512);
    assertThat(trace.distinctTokens()).isEqualTo(600 + 512);
    assertThat(trace.first(1).prompt(0)).isEqualTo(trace.prompt(0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "{\"input_length\": 1|no valid JSON",
        "{\"input_length\": 0, \"output_length\": 1, \"hash_ids\": []}|input_length",
        "{\"input_length\": 5, \"output_length\": \"x\", \"hash_ids\": [1]}|output_length",
        "{\"input_length\": 5, \"output_length\": 1}|hash_ids must be a list of 1",
        "{\"input_length\": 600, \"output_length\": 1, \"hash_ids\": [1]}|list of 2",
        "{\"input_length\": 5, \"output_length\": 1, \"hash_ids\": [-1]}|hash_ids holds '-1'",
        "17|input_length"
      })
  void aBadMooncakeLineIsNamed(String line, String problem) throws IOException {
    Path file = file("bad.jsonl", GOOD, line);
    assertThatThrownBy(() -> MooncakeTrace.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file + ", line 2: ")
        .hasMessageContaining(problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2023,5,|GeneratedTokens",
        "2023,5|found 2 fields",
        "2023,0,4|ContextTokens must be at least 1",
        "2023,5,4.5|no number"
      })
  void aBadAzureLineIsNamed(String line, String problem) throws IOException {
    Path file = file("bad.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", "2023,5,4", line);
    assertThatThrownBy(() -> AzureTrace.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file + ", line 3: ")
        .hasMessageContaining(problem);
  }

  @Test
  void aHeaderWithoutTheColumnsIsNamed() throws IOException {
    Path file = file("head.csv", "a,b,c", "1,2,3");
    assertThatThrownBy(() -> AzureTrace.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line 1")
        .hasMessageContaining("ContextTokens");
  }

  @Test
  void readsTheRecordedTraces() throws IOException {
    String shared = System.getProperty("weft.shared.data", "");
    Path traces = Path.of(shared, "traces");
    assumeTrue(
        !shared.isEmpty() && Files.isDirectory(traces),
        "needs the folder traces below -Dweft.shared.data=" + shared);
    Workload mooncake = MooncakeTrace.read(traces.resolve("mooncake-conversation.jsonl"));
    assertThat(mooncake.size()).isEqualTo(12_031);
    assertThat(mooncake.totalPromptTokens()).isEqualTo(144_793_823);
    assertThat(mooncake.distinctTokens()).isEqualTo(90_695_412);
    Workload azure = AzureTrace.read(traces.resolve("azure-code-2023.csv"));
    assertThat(azure.size()).isEqualTo(8_819);
    assertThat(azure.totalPromptTokens()).isEqualTo(18_059_974);
    assertThat(azure.totalOutputTokens()).isEqualTo(245_896);
    assertThat(azure.sharing()).isZero();
  }

  private Path file(String name, String... lines) throws IOException {
    return Files.write(folder.resolve(name), List.of(lines));
  }
}
