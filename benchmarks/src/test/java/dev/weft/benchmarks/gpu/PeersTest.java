package dev.weft.benchmarks.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.backend.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts of GPULlama3.java are made by the format strings of its source, not printed by a GPU. */
class PeersTest {
  private static final String ROW =
      "{\"model\": \"synthetic\", \"quant\": \"FP16\", \"size_gib\": 2.300, \"params_b\": 1.236,"
          + " \"backend\": \"TornadoVM CUDA\", \"test\": \"tg32@d256\", \"avg_ts\": 101.00,"
          + " \"stddev_ts\": 1.00, \"samples_ts\": [100.00, 101.00, 102.00]}";

  private static final List<String> BATCHED =
      List.of(
          "[verify] mode=greedy: all 128 streams identical (== single-stream greedy ref): true",
          "[perf] prefill 256 pos in 7000.0 ms | decode 32 steps \u00d7 B=128 = 4096 tokens in"
              + " 1000.0 ms",
          "[perf] per-step latency 31.25 ms | aggregate throughput 4096 tok/s | per-stream 32.0"
              + " tok/s");

  @TempDir Path folder;

  @Test
  void readsRowsOfItsBenchmark() throws Exception {
    Series rate = GpuLlama3Output.bench(List.of("loading", ROW), "tg32@d256", 3);

    assertThat(rate.values()).containsExactly(100, 101, 102);
  }

  @Test
  void refusesRowsItDoesNotKnow() {
    refused(List.of(ROW.replace("tg32", "tg64")), "expected one row of tg32@d256");
    refused(List.of(ROW, ROW), "expected one row");
    refused(List.of(ROW.replace("FP16", "Q8_0")), "expected FP16");
    refused(List.of(ROW.replace("[100.00,", "[-100.00,")), "positive rates");
    refused(List.of(ROW.replace("[100.00,", "[NaN,")), "no JSON");
    refused(List.of(ROW.replace("[100.00, ", "[")), "3 positive rates");
    refused(List.of(ROW.replace("101.00, \"stddev", "90.00, \"stddev")), "average");
    refused(
        List.of("[bench] m FAILED (batch=1 unsupported for this model?): out of memory"),
        "no row of tg32@d256; it said: [bench] m FAILED");
  }

  private static void refused(List<String> output, String reason) {
    assertThatThrownBy(() -> GpuLlama3Output.bench(output, "tg32@d256", 3))
        .isInstanceOf(PeerException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void readsBatchedDecode() throws Exception {
    var run = GpuLlama3Output.Batched.of(BATCHED, 128);

    assertThat(run.rate()).isEqualTo(4096.0);
    assertThat(run.promptTokens()).isEqualTo(256);
    assertThat(run.steps()).isEqualTo(32);
  }

  @Test
  void refusesBatchedDecodeThatContradictsItself() {
    batchedRefused("true", "false", "did not hold");
    batchedRefused("4096 tok/s", "5000 tok/s", "contradict");
    batchedRefused("B=128", "B=64", "contradict");
    batchedRefused("aggregate throughput", "total", "no [perf] lines");
  }

  private static void batchedRefused(String text, String instead, String reason) {
    List<String> output = BATCHED.stream().map(line -> line.replace(text, instead)).toList();
    assertThatThrownBy(() -> GpuLlama3Output.Batched.of(output, 128))
        .isInstanceOf(PeerException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void takesTheCommandOfItsLauncher() throws Exception {
    List<String> output =
        List.of(
            "Full Java command:",
            "/jdk/bin/java \"-Dflags=-a -b\" -cp x.jar org.beehive.gpullama3.bench.LlamaBench -m m");

    assertThat(GpuLlama3Peer.javaCommand(output))
        .containsExactly("/jdk/bin/java", "-Dflags=-a -b", "-cp", "x.jar");
    assertThatThrownBy(() -> GpuLlama3Peer.javaCommand(List.of("Error: no SDK")))
        .hasMessageContaining("it said: Error: no SDK");
  }

  @Test
  void comparesWithTheFastestWayToDecode() {
    var rates = new PeerRates();
    rates.put("peer.gpullama3.prefill.m.f16", Series.of(9000));
    rates.put("peer.gpullama3.decode.b1.plain.m.f16", Series.of(100));
    rates.put("peer.gpullama3.decode.b128.m.f16", Series.of(4000));
    rates.put("peer.transformers.decode.b128.m.f16", Series.of(5000));

    assertThat(rates.aheadNames("m.f16", "")).containsExactly("peer.gpullama3.ahead.m.f16");
    assertThat(rates.aheadNames("m.q8_0", "")).isEmpty();
    var line = rates.ahead("m.f16", "", Series.of(8000), "tokens per second", "").getFirst();
    assertThat(line.baseline()).isEqualTo("peer.gpullama3.decode.b128.m.f16");
    assertThat(line.target()).isEqualTo(10);
    assertThat(line.baselineValue().median()).isEqualTo(4000);
  }

  @Test
  void skipsWhatTheScriptCouldNotMeasure() throws Exception {
    var rates = new PeerRates();
    Map<String, JsonNode> lines =
        lines(
            results ->
                PythonPeer.read(
                    results,
                    rates,
                    List.of(
                        "{\"name\": \"limit.fp16_gemm\", \"unit\": \"u\", \"workload\": \"w\","
                            + " \"values\": [5, 7]}",
                        "{\"name\": \"a\", \"values\": [-5, 7]}",
                        "{\"name\": \"b\", \"skipped\": \"out of memory\"}",
                        "Returning results")));

    assertThat(lines.get("limit.fp16_gemm").get("value").asDouble()).isEqualTo(6);
    assertThat(rates.libraryRate()).hasValue(6);
    assertThat(lines.get("a").get("skipped").asText()).contains("no positive rates");
    assertThat(lines.get("b").get("skipped").asText()).contains("out of memory");
    assertThat(lines.get("peer.transformers").get("skipped").asText()).contains("Returning");
  }

  @Test
  void saysThatPeersAreAbsent() throws Exception {
    var setting = new GpuSetting(Backends.find("vector"), 0, false, true, 1, 7, false);
    Map<String, JsonNode> lines =
        lines(
            results -> {
              PythonPeer.run(results, setting, folder + "/python", new PeerRates());
              GpuLlama3Peer.run(results, setting, folder, new PeerRates());
            });

    assertThat(lines.get("peer.transformers.continuous").get("skipped").asText())
        .contains(folder + "/python");
    assertThat(lines.get("peer.gpullama3").get("skipped").asText()).contains("llama-tornado");
  }

  private interface Work {
    void with(Results results) throws Exception;
  }

  private Map<String, JsonNode> lines(Work work) throws Exception {
    Path out = folder.resolve("out.jsonl");
    work.with(new Results(out, List.of(), Map.of()));
    var lines = new TreeMap<String, JsonNode>();
    for (String line : Files.readAllLines(out)) {
      JsonNode read = new ObjectMapper().readTree(line);
      lines.put(read.get("name").asText(), read);
    }
    return lines;
  }
}
