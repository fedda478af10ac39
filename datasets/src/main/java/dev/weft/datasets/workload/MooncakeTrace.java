package dev.weft.datasets.workload;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads traces in the format of Mooncake (Qin et al., FAST 2025): JSON lines with {@code
 * input_length}, {@code output_length} and {@code hash_ids}, one for each block of {@value
 * #BLOCK_TOKENS} prompt tokens, the last block may be shorter. Equal hashes stand for equal blocks
 * after equal prefixes. Token ids are made from the hashes.
 */
public final class MooncakeTrace {
  public static final int BLOCK_TOKENS = 512;
  private static final ObjectMapper JSON = new ObjectMapper();

  private MooncakeTrace() {}

  /**
   * Reads all requests in the order of the file.
   *
   * @throws IOException if the file cannot be read, or a line is malformed; the message names file
   *     and line
   */
  public static Workload read(Path file) throws IOException {
    Workload.Builder builder = Workload.builder();
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          add(builder, line, new TraceLine(file, number));
        }
      }
    }
    return builder.build(TraceLine.name(file), 0);
  }

  private static void add(Workload.Builder builder, String line, TraceLine at) throws IOException {
    JsonNode request;
    try {
      request = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw at.error("no valid JSON: " + e.getOriginalMessage());
    }
    int input = length(request, "input_length", at);
    int output = length(request, "output_length", at);
    JsonNode hashes = request.get("hash_ids");
    int blocks = (input + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
    if (hashes == null || !hashes.isArray() || hashes.size() != blocks) {
      throw at.error(
          "hash_ids must be a list of "
              + blocks
              + " numbers, one for every "
              + BLOCK_TOKENS
              + " of the "
              + input
              + " prompt tokens");
    }
    for (int i = 0; i < blocks; i++) {
      JsonNode hash = hashes.get(i);
      if (!hash.canConvertToInt() || hash.intValue() < 0) {
        throw at.error("hash_ids holds '" + hash + "', which is no number from 0 to 2^31-1");
      }
      builder.segment(hash.intValue(), Math.min(BLOCK_TOKENS, input - i * BLOCK_TOKENS));
    }
    builder.endKnown(output);
  }

  private static int length(JsonNode request, String field, TraceLine at) throws IOException {
    JsonNode value = request.get(field);
    if (value == null || !value.canConvertToInt() || value.intValue() < 1) {
      throw at.error(field + " must be a number of at least 1, found " + value);
    }
    return value.intValue();
  }
}
