package dev.weft.datasets.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Fields of API requests that Weft does not carry out and whose absence would change what an answer
 * means. Each is an error unless it holds a value that asks for nothing. All other unknown fields
 * are ignored and counted.
 */
final class UnsupportedFields {
  private static final Predicate<JsonNode> EMPTY =
      value ->
          (value.isContainerNode() || value.isTextual())
              && value.isEmpty()
              && value.asText().isEmpty();
  private static final Predicate<JsonNode> FALSE =
      value -> value.isBoolean() && !value.booleanValue();
  private static final Predicate<JsonNode> NEVER = value -> false;

  private static final Map<String, Predicate<JsonNode>> NEUTRAL =
      Map.ofEntries(
          Map.entry("tools", EMPTY),
          Map.entry("functions", EMPTY),
          Map.entry("tool_choice", value -> isText(value, "none") || isText(value, "auto")),
          Map.entry("function_call", value -> isText(value, "none") || isText(value, "auto")),
          Map.entry("response_format", value -> isText(value.path("type"), "text")),
          Map.entry("logit_bias", EMPTY),
          Map.entry("modalities", value -> value.size() == 1 && isText(value.get(0), "text")),
          Map.entry("audio", NEVER),
          Map.entry("web_search_options", NEVER),
          Map.entry("reasoning_effort", value -> isText(value, "none")),
          Map.entry("verbosity", value -> isText(value, "medium")),
          Map.entry("echo", FALSE),
          Map.entry("suffix", EMPTY),
          Map.entry("best_of", value -> value.isIntegralNumber() && value.intValue() == 1),
          Map.entry("use_beam_search", FALSE),
          Map.entry("length_penalty", value -> value.isNumber() && value.doubleValue() == 1),
          Map.entry("typical_p", value -> value.isNumber() && value.doubleValue() == 1),
          Map.entry("min_tokens", value -> value.isNumber() && value.doubleValue() == 0),
          Map.entry("ignore_eos", FALSE),
          Map.entry("stop_token_ids", EMPTY),
          Map.entry("bad_words", EMPTY),
          Map.entry("allowed_token_ids", EMPTY),
          Map.entry("prompt_logprobs", NEVER),
          Map.entry("structured_outputs", NEVER),
          Map.entry("guided_json", NEVER),
          Map.entry("guided_regex", NEVER),
          Map.entry("guided_choice", NEVER),
          Map.entry("guided_grammar", NEVER),
          Map.entry("chat_template", NEVER),
          Map.entry("chat_template_kwargs", EMPTY),
          Map.entry("continue_final_message", FALSE));

  private UnsupportedFields() {}

  /** True if {@code name} is known to change answers and {@code value} asks for that. */
  static boolean refuses(String name, JsonNode value) {
    Predicate<JsonNode> neutral = NEUTRAL.get(name);
    return neutral != null && !value.isNull() && !neutral.test(value);
  }

  /**
   * True if {@code name} is known; with a value that asks for nothing it is not worth a warning.
   */
  static boolean knows(String name) {
    return NEUTRAL.containsKey(name);
  }

  private static boolean isText(JsonNode value, String text) {
    return value.isTextual() && value.textValue().equals(text);
  }
}
