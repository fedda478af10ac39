package dev.weft.kernels.template;

import java.util.Objects;
import java.util.Set;

/**
 * One message of a conversation.
 *
 * @param role one of {@link #ROLES}; any other role is refused with a request error when rendered
 * @param content the text of the message; of a tool message, the tool's answer as text
 */
public record ChatMessage(String role, String content) {
  /** The roles a conversation may use. */
  public static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }
}
