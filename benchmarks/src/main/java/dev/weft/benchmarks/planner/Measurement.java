package dev.weft.benchmarks.planner;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;

/**
 * One line of the results.
 *
 * @param name what was measured; part of the contract
 * @param value the measured value; NaN if it could not be measured, {@code workload} then says why
 * @param unit of the value
 * @param baseline what the ratio compares with; empty for none
 * @param ratio value over baseline; NaN for none
 * @param spread half the distance of the quartiles over the median; 0 for deterministic results
 * @param workload what it was measured on
 * @param device real or simulated device, model and overlap
 * @param seed seed of the workload; 0 for recorded data
 */
record Measurement(
    String name,
    double value,
    String unit,
    String baseline,
    double ratio,
    double spread,
    String workload,
    String device,
    long seed) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The line, without its end. Numbers have 6 digits. */
  String toJson() {
    ObjectNode line = JSON.createObjectNode();
    line.put("name", name);
    number(line, "value", value);
    line.put("unit", unit);
    line.put("baseline", baseline);
    number(line, "ratio", ratio);
    number(line, "spread", spread);
    line.put("workload", workload);
    line.put("device", device);
    line.put("seed", seed);
    return line.toString();
  }

  /**
   * Reads a line.
   *
   * @throws IllegalArgumentException if it is no JSON or lacks a field
   */
  static Measurement parse(String line) {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no valid JSON: " + e.getOriginalMessage(), e);
    }
    return new Measurement(
        field(json, "name").asText(),
        number(json, "value"),
        field(json, "unit").asText(),
        field(json, "baseline").asText(),
        number(json, "ratio"),
        number(json, "spread"),
        field(json, "workload").asText(),
        field(json, "device").asText(),
        field(json, "seed").asLong());
  }

  private static void number(ObjectNode line, String field, double value) {
    if (Double.isFinite(value)) {
      line.put(field, Double.parseDouble(String.format(Locale.ROOT, "%.6g", value)));
    } else {
      line.putNull(field);
    }
  }

  private static double number(JsonNode json, String field) {
    JsonNode value = field(json, field);
    return value.isNull() ? Double.NaN : value.asDouble();
  }

  private static JsonNode field(JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null) {
      throw new IllegalArgumentException("the line has no field '" + field + "'");
    }
    return value;
  }
}
