package dev.weft.kernels.template;

import java.util.List;

/**
 * A model's chat template: the Jinja2 program, carried by the model file, that turns messages into
 * the one text the model was trained on. Immutable and safe to share between threads.
 */
public final class ChatTemplate {
  private ChatTemplate() {}

  /**
   * Reads a template.
   *
   * @throws TemplateException of kind {@code SYNTAX} or {@code LIMIT} if it is not valid
   */
  public static ChatTemplate compile(String source) {
    return new ChatTemplate();
  }

  /**
   * Renders a conversation.
   *
   * @return the text; within it {@link SpecialTokenGuard#MARK} stands only where the guard put it
   * @throws TemplateException of kind {@code REQUEST} if the template does not take these messages
   */
  public String render(List<ChatMessage> messages, RenderOptions options) {
    throw new UnsupportedOperationException("rendering");
  }
}
