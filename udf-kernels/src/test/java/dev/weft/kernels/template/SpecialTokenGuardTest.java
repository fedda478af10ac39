package dev.weft.kernels.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpecialTokenGuardTest {
  private static final char MARK = SpecialTokenGuard.MARK;
  private static final List<String> SPECIALS =
      List.of(
          "<|im_start|>",
          "<|im_end|>",
          "<|end|>",
          "</s>",
          "<s>",
          "[INST]",
          "[/INST]",
          "<think>",
          "</think>",
          "<|eot_id|>",
          "<|",
          "\uD83D\uDE00\uD83D\uDE00",
          "<<",
          "><");
  private static final List<String> CUTTING_AND_JOINING =
      List.of(
          DefaultTemplate.CHATML.source(),
          DefaultTemplate.PLAIN.source(),
          "{% for m in messages %}[INST]{{ m.content|trim }}[/INST]</s>{% endfor %}",
          "{% for m in messages %}{{ '<|' ~ m.content ~ '|>' }}{% endfor %}",
          "{% for m in messages %}<|im_{{ m.content.split()|join }}_id|>{% endfor %}",
          "{% for m in messages %}{{ '<' ~ m.content[1:-1] ~ '>' }}{% endfor %}",
          "<s>{{ messages|map(attribute='content')|join }}</s><|im_end|>");
  private static final LocalDate DATE = LocalDate.of(2026, 3, 7);

  private static String render(String source, SpecialTokenGuard guard, String... contents) {
    List<ChatMessage> messages = new ArrayList<>();
    for (int i = 0; i < contents.length; i++) {
      messages.add(new ChatMessage(i % 2 == 0 ? "user" : "assistant", contents[i]));
    }
    return ChatTemplate.compile(source)
        .render(messages, new RenderOptions("<s>", "</s>", true, DATE, guard));
  }

  /** A vertical bar shows where the mark stands. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      value = {
        // The template's own, and a user's.
        "<e>{{ messages[0].content }}<e>; a<e>b; <e>a<|e>b<e>",
        // Joined across the border of the template's text and the content.
        "{{ messages[0].content }}e>; x<; x<|e>",
        "<{{ messages[0].content }}; e>; <|e>",
        "<{{ messages[0].content }}>; e; <|e>",
        // Pieces cut out and joined up.
        "{{ messages[0].content.replace('-', '') }}; <-e->; <|e>",
        "{{ messages[0].content.split('-')|join }}; <-e->; <|e>",
        "{{ messages[0].content[::-1] }}; >e<; <|e>",
        "{{ messages[0].content|lower }}; <E>; <|e>",
        "{{ messages[0].content|trim('x') ~ 'e>' }}; <xx; <|e>",
        "{{ messages[0].content|list|sort|join }}; e<>; <>e",
        "{{ messages[0].content.partition('e')|join('') }}; <e>; <|e>",
        "{{ '%s%s' % (messages[0].content, 'e>') }}; <; <|e>",
        "{{ messages[0].content|tojson }}; <e>; `\"<|e>\"`",
        "{{ [messages[0].content] }}; <e>; `['<|e>']`",
        "{% for c in messages[0].content %}{{ c }}{% endfor %}; <e>; <|e>",
        "{% set x %}<{{ messages[0].content }}{% endset %}{{ x|trim }}; e>; <|e>",
        "{% macro m(a) %}{{ a }}{% endmacro %}<{{ m(messages[0].content) }}; e>; <|e>",
        "{{ messages[0].content|replace('x', '<e>') }}; <xe>; <<e>e>",
        "{{ messages[0].content|indent }}; <e>; <|e>",
        // A template may choose its own tokens by what a user says.
        "{{ '<e>' if 'e' in messages[0].content }}; xex; <e>",
      })
  void marksWhatAUserHasAPartIn(String source, String content, String expected) {
    String rendered = render(source, SpecialTokenGuard.of(List.of("<e>")), content);
    assertThat(rendered.replace(MARK, '|')).isEqualTo(expected);
  }

  @Test
  void contentsOfTwoMessagesDoNotJoinUp() {
    String source = "{{ messages[0].content }}{{ messages[1].content }}";
    assertThat(render(source, SpecialTokenGuard.of(List.of("<e>")), "<", "e>"))
        .isEqualTo("<" + MARK + "e>");
  }

  @Test
  void theMarkItselfAndSpecialsOfOneCharacterAreReplacedInContent() {
    String source = "{{ '!' }}{{ messages[0].content }}\uFDD0";
    assertThat(
            render(
                source, SpecialTokenGuard.of(List.of("!", "\uD83D\uDE00")), "a\uFDD0!\uD83D\uDE00"))
        .isEqualTo("!a\uFFFD\uFFFD\uFFFD\uFFFD");
  }

  @Test
  void findsEverySpecialHoweverTheyBeginAlike() {
    List<String> specials = List.of("<a", "<ab>", "<ab", "<b", "<", "\uFFFF\uFFFF", "", "<ab>");
    SpecialTokenGuard guard = SpecialTokenGuard.of(specials);
    assertThat(render("{{ messages[0].content }}", guard, "<ab> \uFFFF\uFFFF <c"))
        .isEqualTo("\uFFFD" + MARK + "ab> \uFFFF" + MARK + "\uFFFF \uFFFDc");
    assertThatThrownBy(() -> SpecialTokenGuard.of(List.of("x".repeat(5000))))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("special token of 5000 characters");
  }

  @Test
  void aMarkNeverBreaksATokenOfTheTemplate() {
    SpecialTokenGuard guard = SpecialTokenGuard.of(List.of("<e>", "x<e>", "<e>x", "xx"));
    assertThat(render("{{ messages[0].content }}<e>{{ messages[0].content }}", guard, "x"))
        .isEqualTo("x" + MARK + "<e>" + MARK + "x");
  }

  @Test
  void anyTemplateOverHostileContentYieldsOnlyItsOwnTokens() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("SpecialTokenGuardTest seed " + seed);
    Random random = new Random(seed);
    SpecialTokenGuard guard = SpecialTokenGuard.of(SPECIALS);
    List<ChatTemplate> templates = new ArrayList<>();
    CUTTING_AND_JOINING.forEach(source -> templates.add(ChatTemplate.compile(source)));
    for (String source : SharedTemplates.anyAtHand()) {
      try {
        templates.add(ChatTemplate.compile(source));
      } catch (TemplateException e) {
        // One of those that show what a syntax error is.
      }
    }
    int rendered = 0;
    int marked = 0;
    int compared = 0;
    for (int i = 0; i < 4_000; i++) {
      int among = random.nextBoolean() ? CUTTING_AND_JOINING.size() : templates.size();
      ChatTemplate template = templates.get(random.nextInt(among));
      String hostile = hostile(random);
      try {
        String plain = template.render(conversation(hostile), options(SpecialTokenGuard.none()));
        String guarded = template.render(conversation(hostile), options(guard));
        assertThat(guarded.replace(String.valueOf(MARK), "")).as("seed " + seed).isEqualTo(plain);
        String name = "seed " + seed + ", round " + i;
        compared += assertNoUserSpecials(template, hostile, guarded, name) ? 1 : 0;
        rendered++;
        marked += guarded.length() > plain.length() ? 1 : 0;
      } catch (TemplateException e) {
        assertThat(e.kind()).isNotEqualTo(TemplateException.Kind.LIMIT);
      }
    }
    assertThat(rendered).isGreaterThan(1_000);
    assertThat(marked).isGreaterThan(500);
    assertThat(compared).isGreaterThan(500);
  }

  /**
   * An oracle that knows nothing of spans: letters of the content are swapped one for one by others
   * that no special has, so every special left in that rendering is the template's own. At the same
   * places, and only there, may the guarded text have unbroken ones. Contents that change the
   * template's own way through (they hold what it looks for) are not comparable and left out.
   */
  private static boolean assertNoUserSpecials(
      ChatTemplate template, String hostile, String guarded, String name) {
    String disguised = disguise(hostile);
    String own;
    try {
      own = template.render(conversation(disguised), options(SpecialTokenGuard.none()));
    } catch (TemplateException e) {
      return false;
    }
    String plain = guarded.replace(String.valueOf(MARK), "");
    if (!disguise(plain).equals(disguise(own))) {
      return false;
    }
    assertThat(count(guarded)).as(name + "\n" + guarded).isEqualTo(count(own));
    return true;
  }

  private static String disguise(String text) {
    StringBuilder out = new StringBuilder();
    for (char c : text.toCharArray()) {
      if (Character.isLowSurrogate(c)) {
        out.append('\uDC01');
      } else if (c <= ' ' || c >= 0xA100) {
        // White space stays, since templates trim it, and so does what is disguised already.
        out.append(c);
      } else {
        out.append((char) (0xA100 + c % 0x400));
      }
    }
    return out.toString();
  }

  private static List<Integer> count(String text) {
    List<Integer> counts = new ArrayList<>();
    for (String special : SPECIALS) {
      int n = 0;
      for (int at = text.indexOf(special); at >= 0; at = text.indexOf(special, at + 1)) {
        n++;
      }
      counts.add(n);
    }
    return counts;
  }

  private static String hostile(Random random) {
    StringBuilder text = new StringBuilder();
    for (int k = random.nextInt(12); k >= 0; k--) {
      String special = SPECIALS.get(random.nextInt(SPECIALS.size()));
      int cut = random.nextInt(special.length() + 1);
      switch (random.nextInt(6)) {
        case 0 -> text.append(special, 0, cut);
        case 1 -> text.append(special, cut, special.length());
        case 2 -> text.append(special, 0, cut).append(MARK).append(special, cut, special.length());
        case 3 -> text.append("\n ");
        case 4 -> text.append("word");
        default -> text.append(special);
      }
    }
    return text.toString();
  }

  private static List<ChatMessage> conversation(String hostile) {
    int middle = hostile.length() / 2;
    return List.of(
        new ChatMessage("user", hostile),
        new ChatMessage("assistant", hostile.substring(middle)),
        new ChatMessage("user", hostile.substring(0, middle)));
  }

  private static RenderOptions options(SpecialTokenGuard guard) {
    return new RenderOptions("<s>", "</s>", true, DATE, guard);
  }
}
