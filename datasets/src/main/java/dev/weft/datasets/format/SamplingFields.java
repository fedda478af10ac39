package dev.weft.datasets.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Reads sampling parameters from the fields of an object: the body of an API request, or a table
 * row's columns of the same names. A field that is absent or null takes the default.
 */
final class SamplingFields {
  static final Set<String> NAMES =
      Set.of(
          "max_tokens",
          "max_completion_tokens",
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "repetition_penalty",
          "frequency_penalty",
          "presence_penalty",
          "stop",
          "seed",
          "n",
          "logprobs",
          "top_logprobs");

  private static final int MAX_N = 128;
  private static final int MAX_TOP_LOGPROBS = 20;
  private static final int MAX_STOPS = 16;
  private static final int MAX_STOP_LENGTH = 1024;

  private final JsonNode fields;

  SamplingFields(JsonNode fields) {
    this.fields = fields;
  }

  SamplingParams read(SamplingParams defaults) throws RequestException {
    return new SamplingParams(
        maxTokens(defaults.maxTokens()),
        number("temperature", 0, 2, false, defaults.temperature()),
        number("top_p", 0, 1, true, defaults.topP()),
        topK(defaults.topK()),
        number("min_p", 0, 1, false, defaults.minP()),
        number("repetition_penalty", 0, 10, true, defaults.repetitionPenalty()),
        number("frequency_penalty", -2, 2, false, defaults.frequencyPenalty()),
        number("presence_penalty", -2, 2, false, defaults.presencePenalty()),
        stop(defaults.stop()),
        seed(defaults.seed()),
        (int) integer("n", 1, MAX_N, defaults.n()),
        logprobs(defaults.logprobs()));
  }

  private JsonNode get(String name) {
    JsonNode value = fields.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private int maxTokens(int byDefault) throws RequestException {
    int old = (int) integer("max_tokens", 1, Integer.MAX_VALUE, byDefault);
    return (int) integer("max_completion_tokens", 1, Integer.MAX_VALUE, old);
  }

  private int topK(int byDefault) throws RequestException {
    // vLLM writes -1 for "all".
    return Math.max(0, (int) integer("top_k", -1, Integer.MAX_VALUE, byDefault));
  }

  private OptionalLong seed(OptionalLong byDefault) throws RequestException {
    if (get("seed") == null) {
      return byDefault;
    }
    return OptionalLong.of(integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, 0));
  }

  /**
   * Chat requests say {@code logprobs: true, top_logprobs: 5}, completions say {@code logprobs: 5}.
   */
  private int logprobs(int byDefault) throws RequestException {
    JsonNode logprobs = get("logprobs");
    if (logprobs == null || (logprobs.isBoolean() && !logprobs.booleanValue())) {
      if (get("top_logprobs") != null && integer("top_logprobs", 0, MAX_TOP_LOGPROBS, 0) > 0) {
        throw problem(
            RowProblem.PARAMETER_OUT_OF_RANGE, "top_logprobs needs logprobs: true beside it");
      }
      return logprobs == null ? byDefault : SamplingParams.NO_LOGPROBS;
    }
    if (logprobs.isBoolean()) {
      return (int) integer("top_logprobs", 0, MAX_TOP_LOGPROBS, 0);
    }
    if (!logprobs.isNumber()) {
      throw problem(
          RowProblem.FIELD_TYPE,
          "logprobs must be true, false or an integer, and is " + typeOf(logprobs));
    }
    return (int) integer("logprobs", 0, MAX_TOP_LOGPROBS, 0);
  }

  private List<String> stop(List<String> byDefault) throws RequestException {
    JsonNode stop = get("stop");
    if (stop == null) {
      return byDefault;
    }
    List<String> stops = new ArrayList<>();
    if (stop.isTextual()) {
      stops.add(stop.textValue());
    } else if (stop.isArray()) {
      for (JsonNode one : stop) {
        if (!one.isTextual()) {
          throw problem(
              RowProblem.FIELD_TYPE,
              "stop[" + stops.size() + "] must be a string, and is " + typeOf(one));
        }
        stops.add(one.textValue());
        if (stops.size() > MAX_STOPS) {
          throw problem(
              RowProblem.PARAMETER_OUT_OF_RANGE, "stop has more than " + MAX_STOPS + " texts");
        }
      }
    } else {
      throw problem(
          RowProblem.FIELD_TYPE,
          "stop must be a string or a list of strings, and is " + typeOf(stop));
    }
    for (int i = 0; i < stops.size(); i++) {
      int length = stops.get(i).length();
      if (length == 0 || length > MAX_STOP_LENGTH) {
        throw problem(
            RowProblem.PARAMETER_OUT_OF_RANGE,
            "stop["
                + i
                + "] has "
                + length
                + " characters; 1 to "
                + MAX_STOP_LENGTH
                + " are possible");
      }
    }
    return stops;
  }

  private long integer(String name, long min, long max, long byDefault) throws RequestException {
    JsonNode value = get(name);
    if (value == null) {
      return byDefault;
    }
    // 16.0 is an integer to clients that know only doubles.
    boolean whole =
        value.isIntegralNumber()
            || (value.isFloatingPointNumber()
                && value.doubleValue() == Math.rint(value.doubleValue()));
    if (!whole) {
      throw problem(RowProblem.FIELD_TYPE, name + " must be an integer, and is " + typeOf(value));
    }
    boolean fits =
        value.isIntegralNumber()
            ? value.canConvertToLong()
            : Math.abs(value.doubleValue()) <= 1L << 53;
    if (!fits || value.longValue() < min || value.longValue() > max) {
      throw problem(
          RowProblem.PARAMETER_OUT_OF_RANGE,
          name + " is " + shown(value) + "; " + min + " to " + max + " is possible");
    }
    return value.longValue();
  }

  private double number(String name, double min, double max, boolean minExcluded, double byDefault)
      throws RequestException {
    JsonNode value = get(name);
    if (value == null) {
      return byDefault;
    }
    if (!value.isNumber()) {
      throw problem(RowProblem.FIELD_TYPE, name + " must be a number, and is " + typeOf(value));
    }
    double number = value.doubleValue();
    boolean inside = number <= max && (minExcluded ? number > min : number >= min);
    if (!inside) {
      throw problem(
          RowProblem.PARAMETER_OUT_OF_RANGE,
          name
              + " is "
              + shown(value)
              + "; "
              + (minExcluded ? "above " : "")
              + min
              + " to "
              + max
              + " is possible");
    }
    return number;
  }

  private static String shown(JsonNode value) {
    String text = value.asText();
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }

  static String typeOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case ARRAY -> "a list";
      case OBJECT, POJO -> "an object";
      case STRING, BINARY -> "a string";
      case NUMBER -> value.isIntegralNumber() ? "an integer" : "a number with a fraction";
      case BOOLEAN -> "a boolean";
      case NULL, MISSING -> "null";
    };
  }

  static RequestException problem(RowProblem problem, String message) {
    return new RequestException(problem, null, message);
  }
}
