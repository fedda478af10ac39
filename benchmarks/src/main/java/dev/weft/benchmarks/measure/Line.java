package dev.weft.benchmarks.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One result.
 *
 * @param name as in the documentation; part of the contract
 * @param value ours
 * @param baseline what the ratio compares with
 * @param baselineValue what it reached; null for none
 * @param target ratio that is aimed at, least where more is better; NaN for none
 * @param others what everything else of the same rounds reached, by name
 * @param workload what was done
 * @param skipped why there is no value; empty if there is one
 */
public record Line(
    String name,
    Series value,
    String unit,
    String baseline,
    Series baselineValue,
    double target,
    Map<String, Double> others,
    String workload,
    String skipped) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A result without a peer. */
  public static Line alone(String name, Series value, String unit, String workload) {
    return new Line(name, value, unit, "", null, Double.NaN, Map.of(), workload, "");
  }

  /** A result against a baseline. */
  public static Line against(
      String name,
      Series value,
      String unit,
      String baseline,
      Series baselineValue,
      double target,
      String workload) {
    return new Line(name, value, unit, baseline, baselineValue, target, Map.of(), workload, "");
  }

  /** What could not be measured. */
  public static Line skipped(String name, String baseline, String reason) {
    return new Line(name, null, "", baseline, null, Double.NaN, Map.of(), "", reason);
  }

  /** The same with more values of the same rounds. */
  public Line with(Map<String, Double> more) {
    Map<String, Double> all = new LinkedHashMap<>(others);
    all.putAll(more);
    return new Line(name, value, unit, baseline, baselineValue, target, all, workload, skipped);
  }

  /**
   * As one line of JSON.
   *
   * @param run fields that all lines of a run share
   */
  public String toJson(Map<String, Object> run) {
    ObjectNode line = JSON.createObjectNode();
    line.put("name", name);
    number(line, "value", value == null ? Double.NaN : value.median());
    line.put("unit", unit);
    line.put("baseline", baseline);
    boolean compares = value != null && baselineValue != null;
    number(line, "ratio", compares ? value.median() / baselineValue.median() : Double.NaN);
    number(line, "spread", value == null ? Double.NaN : value.spread());
    number(line, "baseline_value", compares ? baselineValue.median() : Double.NaN);
    number(line, "baseline_spread", compares ? baselineValue.spread() : Double.NaN);
    number(line, "target", target);
    line.put("repetitions", value == null ? 0 : value.values().length);
    if (!others.isEmpty()) {
      ObjectNode more = line.putObject("others");
      others.forEach((k, v) -> number(more, k, v));
    }
    if (!skipped.isEmpty()) {
      line.put("skipped", skipped);
    }
    line.put("workload", workload);
    run.forEach(line::putPOJO);
    return line.toString();
  }

  /** Six digits are more than any of this is exact. */
  private static void number(ObjectNode line, String field, double value) {
    if (Double.isFinite(value)) {
      line.put(field, Double.parseDouble(String.format(Locale.ROOT, "%.6g", value)));
    } else {
      line.putNull(field);
    }
  }
}
