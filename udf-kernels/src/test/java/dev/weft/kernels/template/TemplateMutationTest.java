package dev.weft.kernels.template;

import java.io.IOException;
import java.time.LocalDate;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Broken templates fail as templates do, and in no other way. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TemplateMutationTest {
  private static final RenderOptions OPTIONS =
      new RenderOptions(
          null, "</s>", true, LocalDate.of(2026, 3, 7), SpecialTokenGuard.of(List.of("</s>")));
  private static final List<ChatMessage> MESSAGES =
      List.of(
          new ChatMessage("system", "Be brief. \uD83D\uDE00"),
          new ChatMessage("user", "Hello </s> <think>"),
          new ChatMessage("assistant", "</think> Hi\n"),
          new ChatMessage("tool", "{\"a\": 1}"),
          new ChatMessage("user", ""));
  private static final String[] PIECES = {
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    "+",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    "~",
    "**",
    "%",
    "'",
    "\"",
    "\\",
    ":",
    ",",
    ".",
    "=",
    "==",
    " if ",
    " else ",
    " in ",
    " is ",
    " not ",
    " for ",
    "none",
    "true",
    "messages",
    "content",
    "loop",
    "range(9)",
    "namespace()",
    "['role']",
    "[::-1]",
    "|tojson",
    "|list",
    "|length",
    "|join",
    "|map('upper')",
    ".split('<')",
    ".items()",
    "*[1]",
    "**{'a': 1}",
    "{% endif %}",
    "{% endfor %}",
    "{% set x = x %}",
    "{% macro m(a, b=m) %}",
    "{% raw %}",
    "\n",
    "\uD83D",
    "\uDE00",
    "9223372036854775807",
    "1e308",
    "-1",
    "\u0000",
    "0x"
  };

  @Test
  void noMutationOfAnyTemplateThrowsAnythingElse() throws IOException {
    List<String> sources = SharedTemplates.anyAtHand();
    long seed = new Random().nextLong();
    System.out.println("TemplateMutationTest seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 10_000; i++) {
      String mutated = mutate(sources.get(random.nextInt(sources.size())), sources, random);
      try {
        ChatTemplate.compile(mutated).render(MESSAGES, OPTIONS);
      } catch (TemplateException e) {
        // The one way to fail.
      } catch (Throwable t) {
        throw new AssertionError("seed " + seed + ", mutation " + i + ":\n" + mutated, t);
      }
    }
  }

  private static String mutate(String source, List<String> sources, Random random) {
    StringBuilder text = new StringBuilder(source);
    int changes = 1 + random.nextInt(4);
    for (int k = 0; k < changes; k++) {
      int at = random.nextInt(text.length() + 1);
      int end = Math.min(text.length(), at + 1 + random.nextInt(random.nextInt(40) + 1));
      switch (random.nextInt(5)) {
        case 0 -> text.delete(at, end);
        case 1 -> text.insert(at, PIECES[random.nextInt(PIECES.length)]);
        case 2 -> text.replace(at, end, PIECES[random.nextInt(PIECES.length)]);
        case 3 -> text.insert(at, text.substring(at, end));
        default -> {
          String other = sources.get(random.nextInt(sources.size()));
          int from = random.nextInt(other.length());
          text.insert(at, other, from, Math.min(other.length(), from + random.nextInt(80)));
        }
      }
    }
    return text.toString();
  }
}
