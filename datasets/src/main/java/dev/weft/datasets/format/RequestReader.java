package dev.weft.datasets.format;

import static dev.weft.datasets.format.SamplingFields.problem;
import static dev.weft.datasets.format.SamplingFields.typeOf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes a request of its fields. Both the bodies of API requests and the rows of tables come
 * through here, so that the same request means the same in every format.
 */
public final class RequestReader {
  private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant");
  private static final Set<String> MESSAGE_FIELDS = Set.of("role", "content");
  private static final Set<String> TEXT_PARTS = Set.of("text", "input_text", "output_text");

  private final RequestLimits limits;
  private final SamplingParams defaults;

  /**
   * @param limits sizes beyond which a row is refused
   * @param defaults parameters of requests that do not state them
   */
  public RequestReader(RequestLimits limits, SamplingParams defaults) {
    this.limits = limits;
    this.defaults = defaults;
  }

  RequestLimits limits() {
    return limits;
  }

  /**
   * A request from the columns of a table row.
   *
   * @param id the row's id; null or empty is an error
   * @param prompt its prompt, or null if the row has none
   * @param fields its sampling columns by name; nulls count as absent
   */
  public Request fromRow(String id, Prompt prompt, ObjectNode fields) throws RequestException {
    String checkedId = checkId(id, "id");
    try {
      if (prompt == null) {
        throw problem(RowProblem.PROMPT_MISSING, "prompt, messages and token_ids are all null");
      }
      return new Request(
          checkedId, check(prompt), new SamplingFields(fields).read(defaults), List.of());
    } catch (RequestException e) {
      throw e.withId(checkedId);
    }
  }

  /** A request from the body of an API request. {@code chat} tells the endpoints apart. */
  Request fromBody(String id, JsonNode body, boolean chat) throws RequestException {
    List<String> ignored = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : body.properties()) {
      String name = field.getKey();
      if (UnsupportedFields.refuses(name, field.getValue())) {
        throw problem(
            RowProblem.FIELD_UNSUPPORTED,
            "body." + name + " asks for something that is not supported");
      }
      boolean known =
          SamplingFields.NAMES.contains(name)
              || UnsupportedFields.knows(name)
              || name.equals("messages")
              || name.equals("prompt");
      if (!known && !field.getValue().isNull()) {
        ignored.add("body." + name);
      }
    }
    JsonNode messages = absentIfNull(body.get("messages"));
    JsonNode prompt = absentIfNull(body.get("prompt"));
    if (messages != null && prompt != null) {
      throw problem(RowProblem.PROMPT_AMBIGUOUS, "body has both messages and prompt");
    }
    Prompt read;
    if (chat) {
      if (messages == null) {
        throw problem(RowProblem.PROMPT_MISSING, "body.messages is missing");
      }
      read = messages(messages, ignored);
    } else {
      if (prompt == null) {
        throw problem(RowProblem.PROMPT_MISSING, "body.prompt is missing");
      }
      read = prompt(prompt);
    }
    return new Request(id, check(read), new SamplingFields(body).read(defaults), ignored);
  }

  String checkId(String id, String field) throws RequestException {
    if (id == null || id.isEmpty()) {
      throw problem(RowProblem.ID_MISSING, field + " is missing or empty");
    }
    if (id.length() > RequestLimits.MAX_ID_LENGTH) {
      throw problem(
          RowProblem.FIELD_TYPE,
          field
              + " has "
              + id.length()
              + " characters; at most "
              + RequestLimits.MAX_ID_LENGTH
              + " are possible");
    }
    checkUnicode(id, field);
    return id;
  }

  private static JsonNode absentIfNull(JsonNode node) {
    return node == null || node.isNull() ? null : node;
  }

  private Prompt messages(JsonNode messages, List<String> ignored) throws RequestException {
    if (!messages.isArray()) {
      throw problem(
          RowProblem.FIELD_TYPE, "body.messages must be a list, and is " + typeOf(messages));
    }
    List<ChatMessage> read = new ArrayList<>(messages.size());
    for (JsonNode message : messages) {
      String where = "body.messages[" + read.size() + "]";
      if (!message.isObject()) {
        throw problem(
            RowProblem.FIELD_TYPE, where + " must be an object, and is " + typeOf(message));
      }
      JsonNode role = message.get("role");
      if (role == null || !role.isTextual()) {
        throw problem(RowProblem.ROLE_UNKNOWN, where + ".role is missing or not a string");
      }
      read.add(new ChatMessage(role.textValue(), content(message.get("content"), where)));
      for (Map.Entry<String, JsonNode> field : message.properties()) {
        JsonNode value = field.getValue();
        if (MESSAGE_FIELDS.contains(field.getKey()) || value.isNull()) {
          continue;
        }
        if (field.getKey().equals("tool_calls") && !value.isEmpty()) {
          throw problem(RowProblem.FIELD_UNSUPPORTED, where + ".tool_calls is not supported");
        }
        ignored.add("body.messages." + field.getKey());
      }
    }
    return new Prompt.Messages(read);
  }

  /** A string, or text parts, which are joined by line ends as vLLM does. */
  private static String content(JsonNode content, String where) throws RequestException {
    if (content == null || content.isNull()) {
      throw problem(RowProblem.FIELD_TYPE, where + ".content is missing");
    }
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray()) {
      throw problem(
          RowProblem.FIELD_TYPE,
          where + ".content must be a string or a list of text parts, and is " + typeOf(content));
    }
    StringBuilder text = new StringBuilder();
    int index = 0;
    for (JsonNode part : content) {
      String type = part.path("type").asText();
      if (!TEXT_PARTS.contains(type)) {
        throw problem(
            RowProblem.FIELD_UNSUPPORTED,
            where
                + ".content["
                + index
                + "] is of type \""
                + cut(type)
                + "\"; only text is supported");
      }
      if (!part.path("text").isTextual()) {
        throw problem(
            RowProblem.FIELD_TYPE,
            where + ".content[" + index + "].text is missing or not a string");
      }
      text.append(index++ == 0 ? "" : "\n").append(part.get("text").textValue());
    }
    return text.toString();
  }

  private Prompt prompt(JsonNode prompt) throws RequestException {
    if (prompt.isTextual()) {
      return new Prompt.Text(prompt.textValue());
    }
    if (!prompt.isArray()) {
      throw problem(
          RowProblem.FIELD_TYPE,
          "body.prompt must be a string or a list of token ids, and is " + typeOf(prompt));
    }
    if (prompt.size() == 1 && prompt.get(0).isTextual()) {
      return new Prompt.Text(prompt.get(0).textValue());
    }
    int[] ids = new int[prompt.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = prompt.get(i);
      if (id.isTextual() || id.isArray()) {
        throw problem(
            RowProblem.FIELD_UNSUPPORTED,
            "body.prompt holds several prompts; put each on a line of its own");
      }
      if (!id.isIntegralNumber() || !id.canConvertToInt()) {
        throw problem(
            RowProblem.FIELD_TYPE,
            "body.prompt[" + i + "] must be a token id, and is " + typeOf(id));
      }
      ids[i] = id.intValue();
    }
    return new Prompt.TokenIds(ids);
  }

  private Prompt check(Prompt prompt) throws RequestException {
    long bytes =
        switch (prompt) {
          case Prompt.Text text -> checkText(text.text());
          case Prompt.TokenIds tokens -> checkTokens(tokens.ids());
          case Prompt.Messages chat -> checkMessages(chat.messages());
        };
    if (bytes > limits.maxPromptBytes()) {
      throw problem(
          RowProblem.PROMPT_TOO_LARGE,
          "the prompt has "
              + bytes
              + " bytes; at most "
              + limits.maxPromptBytes()
              + " are possible");
    }
    return prompt;
  }

  private static long checkText(String text) throws RequestException {
    if (text.isEmpty()) {
      throw problem(RowProblem.PROMPT_EMPTY, "prompt is an empty string");
    }
    return checkUnicode(text, "prompt");
  }

  private static long checkTokens(int[] ids) throws RequestException {
    if (ids.length == 0) {
      throw problem(RowProblem.PROMPT_EMPTY, "prompt is an empty list of token ids");
    }
    return 4L * ids.length;
  }

  private static long checkMessages(List<ChatMessage> messages) throws RequestException {
    if (messages.isEmpty()) {
      throw problem(RowProblem.PROMPT_EMPTY, "messages is an empty list");
    }
    long bytes = 0;
    boolean anyText = false;
    for (int i = 0; i < messages.size(); i++) {
      ChatMessage message = messages.get(i);
      if (message.role() == null || !ROLES.contains(message.role())) {
        throw problem(
            RowProblem.ROLE_UNKNOWN,
            "messages["
                + i
                + "].role is \""
                + cut(String.valueOf(message.role()))
                + "\"; system, developer, user and assistant are possible");
      }
      if (message.content() == null) {
        throw problem(RowProblem.FIELD_TYPE, "messages[" + i + "].content is null");
      }
      bytes += checkUnicode(message.content(), "messages[" + i + "].content");
      anyText |= !message.content().isBlank();
    }
    if (!anyText) {
      throw problem(RowProblem.PROMPT_EMPTY, "no message has any text");
    }
    return bytes;
  }

  /**
   * UTF-8 length of {@code text}. Half a surrogate pair, which JSON escapes can write, has none.
   */
  private static long checkUnicode(String text, String field) throws RequestException {
    long bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        bytes++;
      } else if (c < 0x800) {
        bytes += 2;
      } else if (!Character.isSurrogate(c)) {
        bytes += 3;
      } else if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        bytes += 4;
        i++;
      } else {
        throw problem(
            RowProblem.ROW_INVALID_UTF8,
            field
                + " holds half a surrogate pair at character "
                + i
                + ", which is no Unicode text");
      }
    }
    return bytes;
  }

  private static String cut(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }
}
