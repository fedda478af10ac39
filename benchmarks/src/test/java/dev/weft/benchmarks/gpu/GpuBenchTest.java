package dev.weft.benchmarks.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.Results;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sections on a backend of the processor; {@link GpuBenchIT} runs them on a device. */
class GpuBenchTest {
  @TempDir Path folder;

  /** Everything but the device: the sections know none. */
  @Test
  void measuresAnyBackend() throws Exception {
    Map<String, JsonNode> lines = run(Backends.find("vector"));

    assertThat(lines.keySet())
        .contains(
            "check.logits.f16",
            "check.logits.q4_0",
            "limit.copy_bandwidth",
            "limit.matmul_rate.q8_0",
            "limit.fp16_gemm",
            "prefill.tiny.f16",
            "decode.b1.tiny.q8_0",
            "decode.b8.tiny.q4_0",
            "mixed.tiny.f16",
            "overlap.tiny.f16",
            "energy.decode.b8.tiny.f16",
            "peer.transformers",
            "peer.transformers.continuous",
            "peer.gpullama3");
    assertThat(lines.get("peer.gpullama3").get("skipped").asText()).contains("--gpullama3");
    assertThat(lines.get("peer.transformers.continuous").get("skipped").asText())
        .contains("--python");
    assertThat(lines.get("decode.b8.tiny.q4_0").get("value").asDouble()).isPositive();
    assertThat(lines.get("decode.b8.tiny.q4_0").get("ratio").isNull()).isTrue();
    assertThat(lines.get("check.logits.f16").get("ratio").asDouble()).isBetween(0.0, 1.0);
    assertThat(lines.get("limit.fp16_gemm").get("skipped").asText()).contains("--python");
    assertThat(lines.get("limit.fp16_gemm").get("device").asText()).contains("not a GPU");
  }

  private Map<String, JsonNode> run(BackendProvider provider) throws Exception {
    Path out = folder.resolve("gpu.jsonl");
    var setting = new GpuSetting(provider, 0, false, true, 1, 7, false);
    GpuBench.run(setting, new Results(out, List.of(), GpuBench.about(setting)), null, null);
    var lines = new TreeMap<String, JsonNode>();
    for (String line : Files.readAllLines(out)) {
      JsonNode read = new ObjectMapper().readTree(line);
      lines.put(read.get("name").asText(), read);
    }
    return lines;
  }
}
