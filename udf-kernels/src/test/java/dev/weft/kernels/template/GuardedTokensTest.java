package dev.weft.kernels.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.kernels.model.Model;
import dev.weft.kernels.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From messages to token ids with real vocabularies: a user's text yields no special token. */
class GuardedTokensTest {
  /** Two messages without special characters give as many special tokens as two hostile ones. */
  @ParameterizedTest
  @CsvSource({"gpt-2, PLAIN", "starcoder, CHATML", "llama-spm, PLAIN", "phi-3, CHATML"})
  void specialStringsInMessagesBecomeNoSpecialTokens(String vocabulary, DefaultTemplate format)
      throws IOException {
    Path file =
        Path.of(System.getProperty("weft.shared.data", "absent"))
            .resolve("tokenizers/llama.cpp/ggml-vocab-" + vocabulary + ".gguf");
    assumeTrue(Files.exists(file), "skipped: there is no " + file + "; set -Dweft.shared.data");
    Tokenizer tokenizer = Model.openTokenizer(file);
    List<String> specials = tokenizer.specialStrings();
    assertThat(specials).isNotEmpty();
    ChatTemplate template = ChatTemplate.compile(format.source());
    SpecialTokenGuard guard = SpecialTokenGuard.of(specials);
    long seed = new Random().nextLong();
    System.out.println("GuardedTokensTest seed " + seed);
    Random random = new Random(seed);
    long expected = specialTokens(tokenizer, template, guard, "Hello", "Hi");
    long unguarded = 0;
    for (int i = 0; i < 200; i++) {
      String first = hostile(specials, random);
      String second = hostile(specials, random);
      String name = "seed " + seed + ": " + first + " / " + second;
      assertThat(specialTokens(tokenizer, template, guard, first, second))
          .as(name)
          .isEqualTo(expected);
      unguarded += specialTokens(tokenizer, template, SpecialTokenGuard.none(), first, second);
    }
    assertThat(unguarded).as("the messages are hostile").isGreaterThan(200 * expected);
  }

  private static long specialTokens(
      Tokenizer tokenizer,
      ChatTemplate template,
      SpecialTokenGuard guard,
      String first,
      String second) {
    List<ChatMessage> messages =
        List.of(new ChatMessage("user", first), new ChatMessage("assistant", second));
    String text =
        template.render(
            messages, new RenderOptions(null, null, true, LocalDate.of(2026, 3, 7), guard));
    List<String> specials = tokenizer.specialStrings();
    return Arrays.stream(tokenizer.encodeWithSpecials(text, SpecialTokenGuard.MARK))
        .filter(token -> specials.contains(tokenizer.tokenText(token)))
        .count();
  }

  private static String hostile(List<String> specials, Random random) {
    StringBuilder text = new StringBuilder();
    for (int k = random.nextInt(6); k >= 0; k--) {
      String special = specials.get(random.nextInt(specials.size()));
      int cut = random.nextInt(special.length() + 1);
      switch (random.nextInt(4)) {
        case 0 -> text.append(special, 0, cut).append(SpecialTokenGuard.MARK);
        case 1 -> text.append(special, cut, special.length());
        case 2 -> text.append(" word ");
        default -> text.append(special);
      }
    }
    return text.toString();
  }
}
