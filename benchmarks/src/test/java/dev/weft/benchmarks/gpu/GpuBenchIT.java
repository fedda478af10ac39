package dev.weft.benchmarks.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code weft bench gpu} as a user starts it, on PoCL's device where there is no GPU. */
class GpuBenchIT {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));

  @TempDir Path folder;

  @Test
  @Timeout(value = 15, unit = TimeUnit.MINUTES)
  void theDeviceIsRightAndMeasured() throws Exception {
    String sdk = System.getenv("TORNADOVM_HOME");
    assumeTrue(
        sdk != null && !sdk.isEmpty(),
        "skipped: TORNADOVM_HOME is not set; the GPU backend is tested where TornadoVM's SDK is");

    Map<String, JsonNode> lines = bench("--only", "check.", "--only", "decode.b8.tiny.q8_0");

    for (String format : List.of("f16", "q8_0", "q4_0")) {
      JsonNode check = lines.remove("check.logits." + format);
      assertThat(check.get("ratio").asDouble()).as(format).isBetween(0.0, 1.0);
      // The tiny shape is for devices that are no GPU.
      assertThat(lines.containsKey("decode.b8.tiny.q8_0"))
          .isEqualTo(check.get("mode").asText().equals("tiny"));
    }
    assertThat(lines.values())
        .allSatisfy(line -> assertThat(line.get("value").asDouble()).isPositive());
  }

  /** Runs it and returns its lines by name. */
  private Map<String, JsonNode> bench(String... arguments) throws Exception {
    Path out = folder.resolve("gpu.jsonl");
    Path log = folder.resolve("log");
    ProcessBuilder builder = new ProcessBuilder(ROOT.resolve("weft").toString(), "bench", "gpu");
    builder.command().addAll(List.of("--out", out.toString()));
    builder.command().addAll(List.of(arguments));
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).as(Files.readString(log)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
    Map<String, JsonNode> lines = new HashMap<>();
    for (String line : Files.readAllLines(out)) {
      JsonNode read = new ObjectMapper().readTree(line);
      lines.put(read.get("name").asText(), read);
    }
    return lines;
  }
}
