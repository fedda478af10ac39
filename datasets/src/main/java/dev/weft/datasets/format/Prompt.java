package dev.weft.datasets.format;

import java.util.List;

/** What a request asks. */
public sealed interface Prompt {

  /** Text that goes to the model as it is. */
  record Text(String text) implements Prompt {}

  /** A conversation, rendered by the model's chat template. */
  record Messages(List<ChatMessage> messages) implements Prompt {
    public Messages {
      messages = List.copyOf(messages);
    }
  }

  /**
   * Tokens of the model's own vocabulary, which go to it as they are.
   *
   * @param ids not negative; the array is not copied
   */
  record TokenIds(int[] ids) implements Prompt {}
}
