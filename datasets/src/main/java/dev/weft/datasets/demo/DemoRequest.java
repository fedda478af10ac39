package dev.weft.datasets.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A demo request with its right answer.
 *
 * @param customId unique within one generated table, for example {@code demo-000017}
 * @param task the task kind, which is not part of the request itself
 * @param example user text and right answer
 */
public record DemoRequest(String customId, DemoTask task, DemoExample example) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The name under which requests ask for the demo model. */
  public static final String MODEL = "weft-demo";

  /** One line of an OpenAI Batch file for {@code /v1/chat/completions}, without a line end. */
  public String toBatchLine() {
    ObjectNode line = JSON.createObjectNode();
    line.put("custom_id", customId).put("method", "POST").put("url", "/v1/chat/completions");
    ObjectNode body = line.putObject("body");
    body.put("model", MODEL);
    body.putArray("messages")
        .add(message("system", task.instructions()))
        .add(message("user", example.user()));
    body.put("max_tokens", task.maxTokens()).put("temperature", 0);
    return line.toString();
  }

  /** The line of {@code expected.jsonl} that belongs to this request, without a line end. */
  public String toExpectedLine() {
    return JSON.createObjectNode()
        .put("custom_id", customId)
        .put("task", task.name())
        .put("expected", example.answer())
        .toString();
  }

  private static ObjectNode message(String role, String content) {
    return JSON.createObjectNode().put("role", role).put("content", content);
  }
}
