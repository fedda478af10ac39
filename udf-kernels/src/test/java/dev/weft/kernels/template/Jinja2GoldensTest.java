package dev.weft.kernels.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Templates of well-known models, and the language piece by piece, byte for byte as Jinja2. */
class Jinja2GoldensTest {
  private final Goldens goldens = Goldens.read();

  Jinja2GoldensTest() throws IOException {}

  @Test
  void everyTemplateParses() throws IOException {
    Map<String, String> files = SharedTemplates.files();
    assertThat(files).hasSizeGreaterThanOrEqualTo(57);
    files.values().forEach(ChatTemplate::compile);
  }

  @TestFactory
  List<DynamicTest> everyTemplateRendersAsJinja2DoesOrFailsAsItDoes() throws IOException {
    Map<String, String> sources = SharedTemplates.all();
    List<DynamicTest> tests = new ArrayList<>();
    for (Map.Entry<String, JsonNode> golden : goldens.document().get("goldens").properties()) {
      assertThat(sources).containsKey(golden.getKey());
      String source = sources.get(golden.getKey());
      tests.add(
          DynamicTest.dynamicTest(
              golden.getKey(),
              () -> {
                for (Map.Entry<String, JsonNode> one : golden.getValue().properties()) {
                  String name = one.getKey();
                  String conversation = name.replace("+prompt", "");
                  goldens.check(
                      name, source, conversation, name.endsWith("+prompt"), one.getValue());
                }
              }));
    }
    assertThat(tests).hasSize(92);
    return tests;
  }

  @TestFactory
  List<DynamicTest> theLanguagePieceByPiece() {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode snippet : goldens.document().get("snippets")) {
      String source = snippet.get("source").asText();
      tests.add(
          DynamicTest.dynamicTest(
              source.replace("\n", "\\n"),
              () -> goldens.check(source, source, "system-multi", true, snippet)));
    }
    assertThat(tests).hasSizeGreaterThan(150);
    return tests;
  }

  /**
   * The rendered goldens were made by templates of another language for the same formats; those
   * that Jinja2 renders to the same text must come out here too.
   */
  @Test
  void matchesTheRenderedGoldensWhereverJinja2Does() throws IOException {
    String user = goldens.conversation("multi").getFirst().content();
    Map<String, List<ChatMessage>> conversations =
        Map.of(
            "user",
            List.of(new ChatMessage("user", user)),
            "user-assistant-user",
            goldens.conversation("multi"),
            "system-user-assistant-user",
            concat(
                new ChatMessage("system", "You are a helpful assistant."),
                goldens.conversation("multi")));
    Map<String, String> sources = SharedTemplates.all();
    int matched = 0;
    for (Map.Entry<String, JsonNode> e : goldens.document().get("rendered_goldens").properties()) {
      String format = e.getKey().substring(e.getKey().lastIndexOf(':') + 1);
      Path folder =
          SharedTemplates.folder().resolve("rendered-goldens").resolve(format + ".gotmpl");
      ChatTemplate template = ChatTemplate.compile(sources.get(e.getKey()));
      for (JsonNode name : e.getValue()) {
        String expected = Files.readString(folder.resolve(name.asText()));
        String rendered =
            template.render(conversations.get(name.asText()), goldens.options("", true));
        assertThat(rendered).as(e.getKey() + " " + name).isEqualTo(expected);
        matched++;
      }
    }
    assertThat(matched).isGreaterThan(50);
  }

  private static List<ChatMessage> concat(ChatMessage first, List<ChatMessage> rest) {
    List<ChatMessage> all = new ArrayList<>(List.of(first));
    all.addAll(rest);
    return all;
  }
}
