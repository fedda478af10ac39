package dev.weft.kernels.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.kernels.template.TemplateException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;

/** What Jinja2 itself makes of templates; src/test/python/make_template_goldens.py wrote it. */
record Goldens(JsonNode document) {
  static Goldens read() throws IOException {
    try (InputStream in = Goldens.class.getResourceAsStream("/template/jinja2-goldens.json")) {
      return new Goldens(new ObjectMapper().readTree(in));
    }
  }

  List<ChatMessage> conversation(String name) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode m : document.get("conversations").get(name)) {
      messages.add(new ChatMessage(m.get("role").asText(), m.get("content").asText()));
    }
    return messages;
  }

  RenderOptions options(String bosToken, boolean addGenerationPrompt) {
    LocalDate date = LocalDate.parse(document.get("date").asText());
    return new RenderOptions(bosToken, "</s>", addGenerationPrompt, date, SpecialTokenGuard.none());
  }

  /**
   * Checks one rendering against what Jinja2 did: the same text, the same message raised, or a
   * failure where it failed, of kind syntax where it refused the template itself.
   */
  void check(String name, String source, String conversation, boolean prompt, JsonNode expected) {
    String rendered = null;
    TemplateException failure = null;
    try {
      rendered =
          ChatTemplate.compile(source).render(conversation(conversation), options("<s>", prompt));
    } catch (TemplateException e) {
      failure = e;
    }
    if (expected.isInt() || expected.has("text")) {
      String text =
          expected.isInt()
              ? document.get("texts").get(expected.asInt()).asText()
              : expected.get("text").asText();
      assertThat(failure).as(name).isNull();
      assertThat(rendered).as(name).isEqualTo(text);
      return;
    }
    assertThat(failure).as(name + " " + expected + " but rendered " + rendered).isNotNull();
    if (expected.has("raised")) {
      assertThat(failure.kind()).as(name).isEqualTo(Kind.REQUEST);
      assertThat(failure.what()).as(name).isEqualTo(expected.get("raised").asText());
    } else {
      boolean syntax = expected.get("error").asText().endsWith("SyntaxError");
      assertThat(failure.kind()).as(name).isEqualTo(syntax ? Kind.SYNTAX : Kind.EVALUATION);
      assertThat(failure.line()).as(name).isPositive();
    }
  }
}
