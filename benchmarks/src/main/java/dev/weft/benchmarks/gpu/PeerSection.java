package dev.weft.benchmarks.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.StreamSupport;

/**
 * {@code peer.*}, and the limit that only the vendor's library shows: fp16 products by PyTorch,
 * which calls it. PyTorch and transformers run in a process of their own before Weft takes the
 * device's memory.
 */
final class PeerSection {
  static final String LIBRARY_RATE = "limit.fp16_gemm";

  private static final String TRANSFORMERS = "peer.transformers";
  private static final String GPULLAMA3 = "peer.gpullama3";
  private static final String SCRIPT = "gpu_peer.py";
  private static final ObjectMapper JSON = new ObjectMapper();

  private PeerSection() {}

  /**
   * @param python with torch and transformers; null for none
   * @return operations per second of the library's fp16 product
   */
  static OptionalDouble run(Results results, GpuSetting setting, String python)
      throws IOException, InterruptedException {
    results.add(
        Line.skipped(
            GPULLAMA3,
            "",
            "not measured: this benchmark cannot start GPULlama3.java; run it by hand on the same"
                + " device"));
    String missing =
        python == null
            ? "no --python PYTHON with torch and transformers was given"
            : setting.gpu() ? "" : "the device is a processor";
    if (!missing.isEmpty()) {
      results.add(
          Line.skipped(
              LIBRARY_RATE, "", "not measured: no library task in the backend, and " + missing));
      results.add(Line.skipped(TRANSFORMERS, "", "not measured: " + missing));
      return OptionalDouble.empty();
    }
    return runPython(results, setting, python);
  }

  private static OptionalDouble runPython(Results results, GpuSetting setting, String python)
      throws IOException, InterruptedException {
    Path script = Files.createTempFile("weft-gpu-peer", ".py");
    Path output = Files.createTempFile("weft-gpu-peer", ".jsonl");
    OptionalDouble rate = OptionalDouble.empty();
    try {
      try (InputStream in = PeerSection.class.getResourceAsStream(SCRIPT)) {
        Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
      }
      int code =
          new ProcessBuilder(
                  python,
                  script.toString(),
                  Integer.toString(setting.device()),
                  Integer.toString(setting.promptTokens()),
                  Integer.toString(setting.contextTokens()))
              .redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start()
              .waitFor();
      for (String text : Files.readAllLines(output, StandardCharsets.UTF_8)) {
        JsonNode found = JSON.readTree(text);
        String name = found.get("name").asText();
        Series values = new Series(doubles(found.get("values")));
        results.add(
            Line.alone(name, values, found.get("unit").asText(), found.get("workload").asText()));
        if (name.equals(LIBRARY_RATE)) {
          rate = OptionalDouble.of(values.median());
        }
      }
      if (code != 0) {
        String reason = "not measured: " + python + " ended with " + code + "; it said why";
        results.add(Line.skipped(TRANSFORMERS, "", reason));
      }
      return rate;
    } finally {
      List.of(script, output).forEach(PeerSection::delete);
    }
  }

  private static double[] doubles(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      file.toFile().deleteOnExit();
    }
  }
}
