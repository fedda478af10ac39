package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.model.Model;
import dev.weft.kernels.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a tokenizer of bytes: every stop text crosses borders of tokens. */
class StopTextTest {
  private static Tokenizer tokenizer;

  @BeforeAll
  static void openTokenizer(@TempDir Path folder) throws IOException {
    try (Model model = Model.open(TinyModel.write(folder))) {
      tokenizer = model.tokenizer();
    }
  }

  private record Outcome(String text, String stop, int bytes) {}

  private static Outcome feed(byte[] bytes, String... stops) {
    var stopText = new StopText(stops, tokenizer);
    for (int i = 0; i < bytes.length; i++) {
      if (stopText.accept(3 + (bytes[i] & 0xFF))) {
        return new Outcome(stopText.text(), stopText.found(), i + 1);
      }
    }
    boolean found = stopText.finish();
    assertThat(found).isEqualTo(stopText.found() != null);
    return new Outcome(stopText.text(), stopText.found(), bytes.length);
  }

  private static Outcome feed(String text, String... stops) {
    return feed(text.getBytes(StandardCharsets.UTF_8), stops);
  }

  @Test
  void cutsBeforeTheStopText() {
    assertThat(feed("one\n\ntwo", "\n\n")).isEqualTo(new Outcome("one", "\n\n", 5));
    assertThat(feed("one\ntwo", "\n\n")).isEqualTo(new Outcome("one\ntwo", null, 7));
    assertThat(feed("aaab", "aab")).isEqualTo(new Outcome("a", "aab", 4));
    assertThat(feed("stop", "stop")).isEqualTo(new Outcome("", "stop", 4));
    assertThat(feed("sto", "stop")).isEqualTo(new Outcome("sto", null, 3));
    assertThat(feed("ababac", "abac")).isEqualTo(new Outcome("ab", "abac", 6));
  }

  @Test
  void theFirstToBeCompleteStops() {
    assertThat(feed("xabcd", "abcd", "bc")).isEqualTo(new Outcome("xa", "bc", 4));
    assertThat(feed("xabcd", "c", "abc", "bc")).isEqualTo(new Outcome("x", "abc", 4));
    assertThat(feed("xabcd", "abc", "c", "bc")).isEqualTo(new Outcome("x", "abc", 4));
  }

  @Test
  void charactersOfSeveralTokensAndBrokenOnesAreWhole() {
    assertThat(feed("Grüße", "ü")).isEqualTo(new Outcome("Gr", "ü", 4));
    assertThat(feed("a\uD83D\uDE00b", "\uD83D\uDE00"))
        .isEqualTo(new Outcome("a", "\uD83D\uDE00", 5));
    byte[] broken = {'a', (byte) 0xC3, 'b', (byte) 0xE2, (byte) 0x82};
    assertThat(feed(broken)).isEqualTo(new Outcome("a\uFFFDb\uFFFD", null, 5));
    assertThat(feed(broken, "\uFFFDb")).isEqualTo(new Outcome("a", "\uFFFDb", 3));
    assertThat(feed(broken, "b\uFFFD")).isEqualTo(new Outcome("a\uFFFD", "b\uFFFD", 5));
  }

  @Test
  void agreesWithReadingCharacterByCharacter() {
    long seed = new Random().nextLong();
    System.out.println("StopTextTest seed " + seed);
    var random = new Random(seed);
    for (int round = 0; round < 5_000; round++) {
      String text = letters(random, 30);
      String[] stops = new String[1 + random.nextInt(3)];
      for (int i = 0; i < stops.length; i++) {
        stops[i] = letters(random, 1 + random.nextInt(4)) + 'a';
      }
      assertThat(feed(text, stops))
          .as(text + String.join(",", stops))
          .isEqualTo(naive(text, stops));
    }
  }

  private static Outcome naive(String text, String... stops) {
    for (int end = 1; end <= text.length(); end++) {
      String longest = null;
      for (String stop : stops) {
        if (text.substring(0, end).endsWith(stop)
            && (longest == null || stop.length() > longest.length())) {
          longest = stop;
        }
      }
      if (longest != null) {
        return new Outcome(text.substring(0, end - longest.length()), longest, end);
      }
    }
    return new Outcome(text, null, text.length());
  }

  private static String letters(Random random, int most) {
    var text = new StringBuilder();
    int length = random.nextInt(most);
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
