package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.model.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every tokenizer, on small vocabularies made here. */
class TokenizerTest {
  private static final char GUARD = '\uFDD0';

  @TempDir Path folder;

  /** Vocabularies with the same pieces and the same special tokens. */
  enum Sample {
    SENTENCE_PIECE,
    GPT2,
    LLAMA3,
    QWEN2,
    SMOLLM;

    Tokenizer open(Path folder) throws IOException {
      return this == SENTENCE_PIECE ? sentencePiece(folder) : bytePair(folder, pre());
    }

    private String pre() {
      return switch (this) {
        case LLAMA3 -> "llama-bpe";
        case QWEN2 -> "qwen2";
        case SMOLLM -> "smollm";
        default -> "gpt-2";
      };
    }
  }

  private static Tokenizer sentencePiece(Path folder) throws IOException {
    var tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "<|im_end|>", "<tool>"));
    for (int b = 0; b < 256; b++) {
      tokens.add("<0x%02X>".formatted(b));
    }
    tokens.addAll(List.of("<", "/", "s", ">", "</", "s>", "a", "b", "ab", "abab", "\u2581", "é"));
    var types = new int[tokens.size()];
    Arrays.fill(types, 1);
    Arrays.fill(types, 5, 261, 6);
    types[0] = 2;
    Arrays.fill(types, 1, 4, 3);
    types[4] = 4;
    var scores = new float[types.length];
    for (int i = 261; i < scores.length; i++) {
      scores[i] = -i;
    }
    Path path = Files.createTempFile(folder, "sp", ".gguf");
    new GgufWriter()
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.tokens", tokens.toArray(String[]::new))
        .put("tokenizer.ggml.token_type", types)
        .put("tokenizer.ggml.scores", scores)
        .write(path);
    return Model.openTokenizer(path);
  }

  private static GgufWriter bytePairMetadata(String pre, String... merges) {
    var tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "<|im_end|>", "<tool>"));
    for (int b = 0; b < 256; b++) {
      tokens.add(String.valueOf(ByteAlphabet.character(b)));
    }
    for (String merge : merges) {
      String merged = merge.replace(" ", "");
      if (!tokens.contains(merged)) {
        tokens.add(merged);
      }
    }
    var types = new int[tokens.size()];
    Arrays.fill(types, 1);
    Arrays.fill(types, 0, 4, 3);
    types[4] = 4;
    return new GgufWriter()
        .put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", pre)
        .put("tokenizer.ggml.bos_token_id", 1)
        .put("tokenizer.ggml.eos_token_id", 2)
        .put("tokenizer.ggml.tokens", tokens.toArray(String[]::new))
        .put("tokenizer.ggml.token_type", types)
        .put("tokenizer.ggml.merges", merges);
  }

  private static Tokenizer bytePair(Path folder, String pre) throws IOException {
    Path path = Files.createTempFile(folder, "bpe", ".gguf");
    bytePairMetadata(pre, "a b", "ab ab", "< /", "s >", "</ s>", "Ġ a", "Ġ Ġ", "ĠĠ ĠĠ").write(path);
    return Model.openTokenizer(path);
  }

  @ParameterizedTest
  @EnumSource
  void knowsItsTokens(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    assertThat(tokenizer.bosToken()).isEqualTo(1);
    assertThat(tokenizer.eosToken()).isEqualTo(2);
    assertThat(tokenizer.tokenText(1)).isEqualTo("<s>");
    assertThat(tokenizer.addsEos()).isFalse();
    assertThat(tokenizer.addsBos())
        .isEqualTo(sample == Sample.SENTENCE_PIECE || sample == Sample.LLAMA3);
    assertThat(tokenizer.isSpecial(0)).isTrue();
    assertThat(tokenizer.isSpecial(3)).isTrue();
    assertThat(tokenizer.isSpecial(4)).isFalse();
    assertThat(tokenizer.isEndOfGeneration(1)).isFalse();
    assertThat(tokenizer.isEndOfGeneration(2)).isTrue();
    assertThat(tokenizer.isEndOfGeneration(3)).isTrue();
    assertThat(tokenizer.specialStrings())
        .containsExactlyInAnyOrder("<unk>", "<s>", "</s>", "<|im_end|>", "<tool>");
    assertThat(tokenizer.encode("")).isEmpty();
    assertThat(tokenizer.encodeWithSpecials("", GUARD)).isEmpty();
  }

  /** "&lt;/s>" could be merged from its parts, in SentencePiece and in BPE: it must not be. */
  @ParameterizedTest
  @EnumSource
  void userTextNeverBecomesSpecial(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    for (String text :
        List.of("</s>", "a</s>b", "<|im_end|>", "<s><s>", "<tool>", "<unk>", "<0x41>")) {
      int[] ids = tokenizer.encode(text);
      assertThat(Arrays.stream(ids)).as(text).allMatch(id -> id > 4);
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }
  }

  @ParameterizedTest
  @EnumSource
  void templatesMaySpeakSpecials(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    int[] ids = tokenizer.encodeWithSpecials("<s>ab<|im_end|><tool></s></s", GUARD);
    assertThat(ids).startsWith(1).containsSubsequence(3, 4, 2);
    assertThat(Arrays.stream(ids).filter(id -> id == 2)).hasSize(1);
    assertThat(tokenizer.decode(ids).strip()).startsWith("ab").contains("<tool>").endsWith("</s");
  }

  @ParameterizedTest
  @EnumSource
  void guardsBreakSpecialsAndVanish(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    String guarded = "a<" + GUARD + "/s>b" + GUARD + "<|im_end" + GUARD + "|>";
    int[] ids = tokenizer.encodeWithSpecials(guarded, GUARD);
    assertThat(ids).isEqualTo(tokenizer.encode("a</s>b<|im_end|>"));
    assertThat(Arrays.stream(ids)).allMatch(id -> id > 4);
    assertThat(tokenizer.encodeWithSpecials(String.valueOf(GUARD), GUARD)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void decodesWhatItEncoded(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    long seed = 42;
    var random = new Random(seed);
    for (int round = 0; round < 2000; round++) {
      String text = randomText(random, random.nextInt(60));
      assertThat(tokenizer.decode(tokenizer.encode(text)))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(text);
      int[] plain = tokenizer.encodeWithSpecials(text.replace('<', ' '), GUARD);
      assertThat(tokenizer.decode(plain)).isEqualTo(text.replace('<', ' '));
    }
  }

  /** All code points but the guard and U+2581, which SentencePiece cannot tell from a space. */
  private static String randomText(Random random, int length) {
    var text = new StringBuilder();
    while (text.length() < length) {
      int codePoint =
          switch (random.nextInt(4)) {
            case 0 -> random.nextInt(0x80);
            case 1 -> "ab< \n\t's12".codePointAt(random.nextInt(10));
            case 2 -> random.nextInt(0x3000);
            default -> random.nextInt(Character.MAX_CODE_POINT + 1);
          };
      boolean surrogate = codePoint >= 0xD800 && codePoint <= 0xDFFF;
      if (!surrogate && codePoint != GUARD && codePoint != 0x2581) {
        text.appendCodePoint(codePoint);
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @EnumSource
  void mendsUnpairedSurrogates(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    assertThat(tokenizer.decode(tokenizer.encode("a\uD800b\uDC00\uD83D\uDE42\uD83D")))
        .isEqualTo("a\uFFFDb\uFFFD\uD83D\uDE42\uFFFD");
  }

  /** A megabyte, in runs of 100,000, of the worst: anything quadratic would not come to an end. */
  @ParameterizedTest
  @EnumSource
  void encodesHostileText(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    var text = new StringBuilder();
    for (String part :
        List.of("a", "ab", " ", "\n", " \n", "'", "é", "\uD83D\uDE42", "1", "<", "</s", "!")) {
      text.append(part.repeat(100_000 / part.length())).append("x");
    }
    assertThat(tokenizer.decode(tokenizer.encodeWithSpecials(text.toString(), GUARD)))
        .isEqualTo(text.toString());
  }

  /** Each merge looks at two pairs more, whatever the order of merges. */
  @Test
  void mergesInLinearlyManySteps() {
    long seed = 3;
    var random = new Random(seed);
    for (int n : new int[] {1, 2, 3, 1000, 100_000}) {
      var merger = new Merger();
      merger.reserve(n);
      var steps = new AtomicInteger();
      merger.run(
          n,
          (_, _, _) -> {
            steps.incrementAndGet();
            return (long) random.nextInt(5) << 32;
          });
      assertThat(merger.next(0)).as("seed %d: all is merged to one", seed).isEqualTo(n);
      assertThat(steps.get()).isBetween(n - 1, 3 * n);
    }
  }

  @Test
  void mergesTheBestPairFirst() throws IOException {
    Tokenizer tokenizer = sentencePiece(folder);
    int ab = 269;
    assertThat(tokenizer.tokenText(ab)).isEqualTo("ab");
    assertThat(tokenizer.encode("ababab")).containsExactly(271, 270, 269);
    assertThat(tokenizer.encode("aé\u00e8")).containsExactly(271, 267, 272, 5 + 0xC3, 5 + 0xA8);
  }

  @Test
  void keepsMergesWithoutTokens() throws IOException {
    Path path = folder.resolve("intermediate.gguf");
    // "xy" is a step on the way to "xyz" but is no token itself.
    var tokens = new ArrayList<String>();
    for (int b = 0; b < 256; b++) {
      tokens.add(String.valueOf(ByteAlphabet.character(b)));
    }
    tokens.add("xyz");
    new GgufWriter()
        .put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", "gpt-2")
        .put("tokenizer.ggml.tokens", tokens.toArray(String[]::new))
        .put("tokenizer.ggml.merges", new String[] {"x y", "xy z"})
        .write(path);
    Tokenizer tokenizer = Model.openTokenizer(path);
    assertThat(tokenizer.encode("xyz")).containsExactly(256);
    assertThat(tokenizer.encode("xya")).containsExactly('x', 'y', 'a');
    assertThat(tokenizer.bosToken()).isEqualTo(-1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "t5"})
  void refusesUnknownModels(String model) throws IOException {
    Path path = folder.resolve("unknown.gguf");
    new GgufWriter().put("tokenizer.ggml.model", model).write(path);
    assertThatThrownBy(() -> Model.openTokenizer(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tokenizer.ggml.model is " + model)
        .hasMessageContaining("llama (SentencePiece) and gpt2 (byte-level BPE)");
  }

  @Test
  void refusesUnknownPreTokenizers() throws IOException {
    Path path = folder.resolve("pre.gguf");
    bytePairMetadata("falcon").write(path);
    assertThatThrownBy(() -> Model.openTokenizer(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tokenizer.ggml.pre is falcon, which is not supported")
        .hasMessageContaining("gpt-2, llama-bpe")
        .hasMessageContaining("smollm");
  }

  @Test
  void refusesBrokenVocabularies() throws IOException {
    refused("'ab' at index 0, must be two symbols", bytePairMetadata("gpt-2", "ab"));
    refused("'a ' at index 0, must be two symbols", bytePairMetadata("gpt-2", "a "));
    refused(
        "tokenizer.ggml.scores has 1 entries for 2 tokens",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<unk>", "a"})
            .put("tokenizer.ggml.scores", new float[] {1}));
    refused(
        "tokenizer.ggml.scores has NaN at index 1",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<unk>", "a"})
            .put("tokenizer.ggml.scores", new float[] {1, Float.NaN}));
    refused(
        "has the byte token '<0x4>', must be like <0x0A>",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<unk>", "<0x4>"})
            .put("tokenizer.ggml.token_type", new int[] {3, 6})
            .put("tokenizer.ggml.scores", new float[2]));
    refused(
        "tokenizer.ggml.token_type has 7 at index 0",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<unk>"})
            .put("tokenizer.ggml.token_type", new int[] {7}));
    refused(
        "tokenizer.ggml.tokens is empty",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[0]));
  }

  @Test
  void refusesTokensNoVocabularyHas() throws IOException {
    refused(
        "has the token 1 of 1000 characters",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<unk>", "a".repeat(1000)}));
    refused(
        "has the special token 1 of 300 characters",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<unk>", "a".repeat(300)})
            .put("tokenizer.ggml.token_type", new int[] {2, 3}));
    var many = new String[(1 << 19) + 1];
    Arrays.fill(many, "");
    refused(
        "has 524289 elements, must have at most 524288",
        new GgufWriter().put("tokenizer.ggml.model", "llama").put("tokenizer.ggml.tokens", many));
  }

  /** A file that calls its begin token the unknown one does not let text write it. */
  @Test
  void textWithoutATokenBecomesNoControlToken() throws IOException {
    Path path = folder.resolve("unknown.gguf");
    new GgufWriter()
        .put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", "gpt-2")
        .put("tokenizer.ggml.tokens", new String[] {"<s>", "</s>", "a", "b"})
        .put("tokenizer.ggml.token_type", new int[] {3, 3, 1, 1})
        .put("tokenizer.ggml.merges", new String[0])
        .put("tokenizer.ggml.bos_token_id", 0)
        .put("tokenizer.ggml.eos_token_id", 1)
        .put("tokenizer.ggml.unknown_token_id", 1)
        .write(path);
    assertThat(Model.openTokenizer(path).encode("a?b")).containsExactly(2, 3);
    refused(
        "nor an unknown token",
        new GgufWriter()
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", new String[] {"<s>", "</s>", "a"})
            .put("tokenizer.ggml.token_type", new int[] {3, 3, 1})
            .put("tokenizer.ggml.scores", new float[3])
            .put("tokenizer.ggml.unknown_token_id", 1));
  }

  private void refused(String message, GgufWriter writer) throws IOException {
    Path path = Files.createTempFile(folder, "broken", ".gguf");
    writer.write(path);
    assertThatThrownBy(() -> Model.openTokenizer(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @EnumSource
  void streamsWholeCharacters(Sample sample) throws IOException {
    Tokenizer tokenizer = sample.open(folder);
    String text = "é\uD83D\uDE42ü" + "\u4E16" + "x";
    var decoder = new StreamingDecoder(tokenizer, tokenizer.dropsLeadingSpace());
    var streamed = new StringBuilder();
    for (int token : tokenizer.encode(text)) {
      String piece = decoder.accept(token);
      assertThat(piece).doesNotContain("\uFFFD");
      assertThat(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1)))
          .isTrue();
      streamed.append(piece);
    }
    assertThat(decoder.finish()).isEmpty();
    assertThat(streamed).hasToString(text);
  }

  /**
   * Bytes in any order decode as the JDK decodes them, however they are cut; but for encoded
   * surrogates, which the JDK replaces as one and Unicode byte by byte.
   */
  @Test
  void replacesInvalidBytes() throws IOException {
    Tokenizer tokenizer = bytePair(folder, "gpt-2");
    long seed = 7;
    var random = new Random(seed);
    int[] lead = {0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF};
    int[] continued = {0x8F, 0x90, 0x9F, 0xA0, 0xBF};
    for (int round = 0; round < 20_000; round++) {
      var bytes = new byte[random.nextInt(8)];
      for (int i = 0; i < bytes.length; i++) {
        int[] from = random.nextBoolean() ? lead : continued;
        bytes[i] = (byte) from[random.nextInt(from.length)];
      }
      assertThat(stream(tokenizer, bytes))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(new String(bytes, UTF_8));
    }
    assertThat(stream(tokenizer, new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80, 'x'}))
        .isEqualTo("\uFFFD\uFFFD\uFFFDx");
    assertThat(stream(tokenizer, new byte[] {(byte) 0xED, (byte) 0x9F, (byte) 0xBF}))
        .isEqualTo("\uD7FF");
  }

  private static String stream(Tokenizer tokenizer, byte[] bytes) {
    var decoder = new StreamingDecoder(tokenizer);
    var text = new StringBuilder();
    for (byte b : bytes) {
      text.append(decoder.accept(5 + (b & 0xFF)));
    }
    return text.append(decoder.finish()).toString();
  }
}
