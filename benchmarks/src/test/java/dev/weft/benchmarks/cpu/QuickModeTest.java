package dev.weft.benchmarks.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.Results;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What quick mode leaves out has a line that says so, also where it was asked for by its begin. */
class QuickModeTest {
  @TempDir Path folder;

  @Test
  void tellsWhatItLeavesOut() throws Exception {
    Path out = folder.resolve("out.jsonl");
    var only = List.of("decode.b8.1b.q4", "memory.peak.1b");
    var setting = new Setting(1, true, false, 1, 1, 1, false, 7, folder.resolve("models"), folder);
    var results = new Results(out, only, Map.of());

    new StepSection(results, setting, null).run();
    MemorySection.run(results, setting);

    var skipped = new ArrayList<String>();
    for (String line : Files.readAllLines(out)) {
      JsonNode read = new ObjectMapper().readTree(line);
      assertThat(read.get("skipped").asText()).contains("quick mode", "--only");
      skipped.add(read.get("name").asText());
    }
    assertThat(skipped).containsExactly("decode.b8.1b.q4_0", "memory.peak.1b.q8_0");
    assertThat(folder.resolve("models")).doesNotExist();
  }
}
