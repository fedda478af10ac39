package dev.weft.benchmarks.planner;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.batching.request.RequestSet;
import dev.weft.datasets.bbh.BbhConverter;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * BIG-Bench Hard as requests: every question after all worked examples of its task. Four bytes of
 * text stand for a token, as no tokenizer is needed to see what is shared.
 */
final class BbhRequests {
  private static final int OUTPUT_TOKENS = 64;

  private BbhRequests() {}

  /**
   * @param folder holds {@code bbh} and {@code cot-prompts}
   * @throws IOException if it is not there or cannot be read
   */
  static RequestSet read(Path folder) throws IOException {
    Path temporary = Files.createTempDirectory("weft-bbh");
    Path lines = temporary.resolve("requests.jsonl");
    Path expected = temporary.resolve("expected.jsonl");
    try {
      new BbhConverter(Integer.MAX_VALUE, OUTPUT_TOKENS, "none").convert(folder, lines, expected);
      ObjectMapper json = new ObjectMapper();
      RequestSet.Builder builder = RequestSet.builder();
      try (BufferedReader reader = Files.newBufferedReader(lines)) {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          String prompt = json.readTree(line).path("body").path("prompt").asText();
          builder.add(tokens(prompt), OUTPUT_TOKENS, OUTPUT_TOKENS);
        }
      }
      return builder.build();
    } finally {
      Files.deleteIfExists(lines);
      Files.deleteIfExists(expected);
      Files.deleteIfExists(temporary);
    }
  }

  private static int[] tokens(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[(bytes.length + 3) / 4];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i / 4] = tokens[i / 4] << 8 | (bytes[i] & 0xFF);
    }
    return tokens;
  }
}
