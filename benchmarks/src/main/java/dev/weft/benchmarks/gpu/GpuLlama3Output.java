package dev.weft.benchmarks.gpu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Series;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/** Reads what GPULlama3.java's own benchmarks print, and refuses what it does not know. */
final class GpuLlama3Output {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Its rates have two digits; the batched program rounds to whole tokens. */
  private static final double ROUNDING = 0.01;

  private static final double WHOLE_ROUNDING = 0.5;

  private static final Pattern DECODED =
      Pattern.compile(
          "\\[perf\\] prefill (\\d+) pos in [\\d.]+ ms \\| decode (\\d+) steps .{1,3}"
              + "B=(\\d+) = (\\d+) tokens in ([\\d.]+) ms");
  private static final Pattern AGGREGATE =
      Pattern.compile("aggregate throughput (\\d+) tok/s \\| per-stream [\\d.]+ tok/s");

  private GpuLlama3Output() {}

  /**
   * {@code bench.LlamaBench -o jsonl}: one row of the test.
   *
   * @param test its name there, like {@code tg32@d256}
   * @return tokens per second of each repetition
   */
  static Series bench(List<String> output, String test, int repetitions) throws PeerException {
    Series found = null;
    for (String text : output) {
      if (!text.startsWith("{\"model\"")) {
        continue;
      }
      JsonNode row = row(text);
      if (!row.path("test").asText().equals(test) || found != null) {
        throw new PeerException("expected one row of " + test + ", found " + text);
      }
      if (!row.path("quant").asText().equals("FP16")) {
        throw new PeerException("expected FP16 weights, found " + text);
      }
      double[] values =
          StreamSupport.stream(row.path("samples_ts").spliterator(), false)
              .mapToDouble(JsonNode::asDouble)
              .toArray();
      found = PythonPeer.rate(values);
      if (found == null || values.length != repetitions) {
        throw new PeerException("expected " + repetitions + " positive rates, found " + text);
      }
      double mean = Arrays.stream(values).average().orElseThrow();
      if (!(Math.abs(row.path("avg_ts").asDouble() - mean) <= ROUNDING)) {
        throw new PeerException("its average is not that of its repetitions: " + text);
      }
    }
    if (found == null) {
      throw new PeerException("it printed no row of " + test + last(output));
    }
    return found;
  }

  private static JsonNode row(String text) throws PeerException {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new PeerException("its row is no JSON: " + text);
    }
  }

  /** The end of what it said, for messages. */
  static String last(List<String> output) {
    return output.stream()
        .filter(line -> line.contains("FAILED") || line.contains("Exception"))
        .findFirst()
        .or(() -> output.stream().filter(line -> !line.isBlank()).reduce((a, b) -> b))
        .map(line -> "; it said: " + line.strip())
        .orElse("");
  }

  /**
   * A run of {@code bench.BatchedDecodeEngine}.
   *
   * @param rate tokens per second of all sequences together
   * @param promptTokens that each sequence had
   * @param steps that were timed
   */
  record Batched(double rate, int promptTokens, int steps) {
    static Batched of(List<String> output, int batch) throws PeerException {
      String all = String.join("\n", output);
      Matcher decoded = DECODED.matcher(all);
      Matcher aggregate = AGGREGATE.matcher(all);
      if (!decoded.find() || !aggregate.find()) {
        throw new PeerException("it printed no [perf] lines as known" + last(output));
      }
      if (!all.contains(
          "all " + batch + " streams identical (== single-stream greedy ref): true")) {
        throw new PeerException("its own check of equal answers to equal prompts did not hold");
      }
      int steps = Integer.parseInt(decoded.group(2));
      long tokens = Long.parseLong(decoded.group(4));
      double rate = tokens / (Double.parseDouble(decoded.group(5)) / 1e3);
      boolean adds = Integer.parseInt(decoded.group(3)) == batch && tokens == (long) steps * batch;
      double printed = Double.parseDouble(aggregate.group(1));
      // Its milliseconds have one digit.
      boolean agrees = Math.abs(printed - rate) <= WHOLE_ROUNDING + ROUNDING * rate;
      if (steps == 0 || !(rate > 0) || Double.isInfinite(rate) || !adds || !agrees) {
        throw new PeerException(
            "its numbers contradict each other: " + decoded.group() + ", " + aggregate.group());
      }
      return new Batched(rate, Integer.parseInt(decoded.group(1)), steps);
    }
  }
}
