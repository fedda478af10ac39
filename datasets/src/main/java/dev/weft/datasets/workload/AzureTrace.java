package dev.weft.datasets.workload;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Reads traces in the format of Azure's LLM inference traces (Patel et al., Splitwise, ISCA 2024):
 * CSV with the columns {@code ContextTokens} and {@code GeneratedTokens}. They tell lengths only,
 * so no two prompts share anything.
 */
public final class AzureTrace {
  private static final String INPUT = "ContextTokens";
  private static final String OUTPUT = "GeneratedTokens";

  private AzureTrace() {}

  /**
   * Reads all requests in the order of the file.
   *
   * @throws IOException if the file cannot be read, or a line is malformed; the message names file
   *     and line
   */
  public static Workload read(Path file) throws IOException {
    Workload.Builder builder = Workload.builder();
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      String header = lines.readLine();
      List<String> columns = header == null ? List.of() : Arrays.asList(header.strip().split(","));
      int input = columns.indexOf(INPUT);
      int output = columns.indexOf(OUTPUT);
      if (input < 0 || output < 0) {
        throw new TraceLine(file, 1)
            .error("the header must name the columns " + INPUT + " and " + OUTPUT);
      }
      int number = 1;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        TraceLine at = new TraceLine(file, ++number);
        if (!line.isBlank()) {
          String[] fields = line.strip().split(",", -1);
          if (fields.length != columns.size()) {
            throw at.error(
                "found " + fields.length + " fields, the header names " + columns.size());
          }
          builder.segment(builder.size(), length(fields[input], INPUT, at));
          builder.endKnown(length(fields[output], OUTPUT, at));
        }
      }
    }
    return builder.build(TraceLine.name(file), 0);
  }

  private static int length(String field, String column, TraceLine at) throws IOException {
    try {
      int length = Integer.parseInt(field.strip());
      if (length >= 1) {
        return length;
      }
    } catch (NumberFormatException e) {
      throw at.error(column + " is '" + field + "', which is no number");
    }
    throw at.error(column + " must be at least 1, found " + field);
  }
}
