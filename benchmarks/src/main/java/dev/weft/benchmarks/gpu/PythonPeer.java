package dev.weft.benchmarks.gpu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.model.TransformerSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * PyTorch, whose fp16 product is that of the vendor's library, and transformers: one batch through
 * {@code generate()}, and continuous batching.
 */
final class PythonPeer {
  static final String LIBRARY_RATE = "limit.fp16_gemm";

  private static final List<String> NAMES =
      List.of(LIBRARY_RATE, "peer.transformers", "peer.transformers.continuous");
  private static final String SCRIPT = "gpu_peer.py";
  private static final ObjectMapper JSON = new ObjectMapper();

  private PythonPeer() {}

  /**
   * @param python with torch and transformers; null for none
   */
  static void run(Results results, GpuSetting setting, String python, PeerRates rates)
      throws IOException, InterruptedException {
    if (python == null) {
      skip(results, "no --python PYTHON with torch and transformers was given");
      return;
    }
    Path script = Files.createTempFile("weft-gpu-peer", ".py");
    Path output = Files.createTempFile("weft-gpu-peer", ".jsonl");
    try {
      try (InputStream in = PythonPeer.class.getResourceAsStream(SCRIPT)) {
        Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
      }
      int code =
          new ProcessBuilder(command(setting, python, script))
              .redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start()
              .waitFor();
      read(results, rates, Files.readAllLines(output, StandardCharsets.UTF_8));
      if (code != 0) {
        skip(results, python + " ended with " + code + "; it said why");
      }
    } catch (IOException e) {
      skip(results, e.getMessage());
    } finally {
      Files.deleteIfExists(script);
      Files.deleteIfExists(output);
    }
  }

  private static void skip(Results results, String reason) {
    for (String name : NAMES) {
      if (!results.has(name)) {
        results.add(Line.skipped(name, "", "not measured: " + reason));
      }
    }
  }

  private static List<String> command(GpuSetting setting, String python, Path script) {
    var command = new ArrayList<String>();
    command.add(python);
    command.add(script.toString());
    command.add(setting.gpu() ? "cuda:" + setting.device() : "cpu");
    command.add(Integer.toString(setting.promptTokens()));
    command.add(Integer.toString(setting.contextTokens()));
    command.add(setting.batches().stream().map(String::valueOf).collect(Collectors.joining(",")));
    for (GpuShape shape : setting.shapes()) {
      TransformerSpec spec = shape.spec();
      command.add(
          "%s:%d,%d,%d,%d,%d,%d,%d"
              .formatted(
                  shape.label(),
                  spec.layers(),
                  spec.embeddingLength(),
                  spec.heads(),
                  spec.kvHeads(),
                  spec.feedForwardLength(),
                  spec.vocabSize(),
                  spec.tiedOutput() ? 1 : 0));
    }
    return command;
  }

  /**
   * Takes the script's lines. What is not a positive rate becomes a line that says so, not a
   * number.
   */
  static void read(Results results, PeerRates rates, List<String> output) {
    for (String text : output) {
      String name = "peer.transformers";
      try {
        JsonNode found = JSON.readTree(text);
        name = found.path("name").asText(name);
        if (found.has("skipped")) {
          results.add(Line.skipped(name, "", "not measured: " + found.get("skipped").asText()));
          continue;
        }
        double[] values =
            StreamSupport.stream(found.path("values").spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        Series rate = rate(values);
        if (rate == null) {
          results.add(Line.skipped(name, "", "not measured: no positive rates in " + text));
          continue;
        }
        results.add(
            Line.alone(name, rate, found.path("unit").asText(), found.path("workload").asText()));
        rates.put(name, rate);
      } catch (JsonProcessingException e) {
        results.add(Line.skipped(name, "", "not measured: " + SCRIPT + " wrote " + text));
      }
    }
  }

  /** Null unless all are positive numbers. */
  static Series rate(double[] values) {
    for (double value : values) {
      if (!(value > 0 && Double.isFinite(value))) {
        return null;
      }
    }
    return values.length == 0 ? null : new Series(values);
  }
}
