package dev.weft.kernels.template;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import java.util.List;
import org.junit.jupiter.api.Test;

class DefaultTemplateTest {
  private static final List<ChatMessage> MESSAGES =
      List.of(
          new ChatMessage("system", " Be brief. "),
          new ChatMessage("user", "Hi\n"),
          new ChatMessage("assistant", "Hello"));

  private static String render(DefaultTemplate template, boolean prompt, String bosToken) {
    RenderOptions options =
        new RenderOptions(
            bosToken, null, prompt, LocalDate.of(2026, 3, 7), SpecialTokenGuard.none());
    return ChatTemplate.compile(template.source()).render(MESSAGES, options);
  }

  @Test
  void chatMl() {
    String text =
        "<|im_start|>system\n Be brief. <|im_end|>\n<|im_start|>user\nHi\n<|im_end|>\n"
            + "<|im_start|>assistant\nHello<|im_end|>\n";
    assertThat(render(DefaultTemplate.CHATML, false, "<s>")).isEqualTo(text);
    assertThat(render(DefaultTemplate.CHATML, true, null))
        .isEqualTo(text + "<|im_start|>assistant\n");
  }

  @Test
  void plain() {
    String text = "system:  Be brief. \n\nuser: Hi\n\n\nassistant: Hello\n\n";
    assertThat(render(DefaultTemplate.PLAIN, false, null)).isEqualTo(text);
    assertThat(render(DefaultTemplate.PLAIN, true, "<s>")).isEqualTo("<s>" + text + "assistant:");
  }

  @Test
  void theVocabularyDecides() {
    assertThat(DefaultTemplate.forVocabulary(List.of("<s>", "<|im_start|>", "<|im_end|>")))
        .isEqualTo(DefaultTemplate.CHATML);
    assertThat(DefaultTemplate.forVocabulary(List.of("<s>", "</s>")))
        .isEqualTo(DefaultTemplate.PLAIN);
  }
}
