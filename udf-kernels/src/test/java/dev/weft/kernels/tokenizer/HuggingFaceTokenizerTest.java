package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.tokenizer.huggingface.FolderTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokenizers of Hugging Face folders against the models' own, and what they refuse. */
class HuggingFaceTokenizerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BYTE_LEVEL =
      "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true}";
  private static final String SPLIT =
      """
      {"type":"Sequence","pretokenizers":[
        {"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\
      \\\\p{N}DIGITS| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"},
         "behavior":"Isolated","invert":false},
        {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
      """;

  @TempDir Path folder;

  private static JsonObject config(String json) {
    return JsonObject.parse(ByteBuffer.wrap(json.getBytes(UTF_8)), "config.json");
  }

  private Tokenizer open(int vocabSize) throws IOException {
    return FolderTokenizer.open(folder, config("{}"), vocabSize).tokenizer();
  }

  /** The vocabulary of a GGUF file as a tokenizer.json. */
  private ObjectNode json(Path gguf, String preTokenizer) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode model = root.putObject("model").put("type", "BPE");
    try (GgufFile file = GgufFile.open(gguf)) {
      String[] tokens = file.metadata().strings("tokenizer.ggml.tokens", 1 << 20).toArray();
      int[] types = file.metadata().integers("tokenizer.ggml.token_type", 0, 6);
      ObjectNode vocabulary = model.putObject("vocab");
      ArrayNode added = root.putArray("added_tokens");
      for (int i = 0; i < tokens.length; i++) {
        if (types[i] == 3) {
          added.addObject().put("id", i).put("content", tokens[i]).put("special", true);
        }
        vocabulary.put(tokens[i], i);
      }
      ArrayNode merges = model.putArray("merges");
      if (file.metadata().contains("tokenizer.ggml.merges")) {
        for (String merge : file.metadata().strings("tokenizer.ggml.merges", 1 << 20).toArray()) {
          merges.add(merge);
        }
      } else {
        mergesOf(tokens, file.metadata().floats("tokenizer.ggml.scores"))
            .forEach(m -> merges.addArray().add(m[0]).add(m[1]));
      }
    }
    if (preTokenizer != null) {
      root.set("pre_tokenizer", JSON.readTree(preTokenizer));
      root.set("decoder", JSON.readTree("{\"type\":\"ByteLevel\"}"));
    }
    return root;
  }

  /** As transformers converts SentencePiece: every split of a token into two, by score. */
  private static List<String[]> mergesOf(String[] tokens, float[] scores) {
    Map<String, Integer> ids = new HashMap<>();
    for (int i = 0; i < tokens.length; i++) {
      ids.put(tokens[i], i);
    }
    var order = new ArrayList<Integer>(ids.values());
    order.sort(Comparator.comparingDouble((Integer i) -> -scores[i]).thenComparing(i -> i));
    var merges = new ArrayList<String[]>();
    for (int i : order) {
      for (int cut = 1; cut < tokens[i].length(); cut++) {
        String left = tokens[i].substring(0, cut);
        String right = tokens[i].substring(cut);
        if (!tokens[i].matches("<(0x..|s|/s|unk)>")
            && ids.containsKey(left)
            && ids.containsKey(right)) {
          merges.add(new String[] {left, right});
        }
      }
    }
    return merges;
  }

  private Tokenizer write(ObjectNode root) throws IOException {
    JSON.writeValue(folder.resolve("tokenizer.json").toFile(), root);
    return open(root.get("model").get("vocab").size());
  }

  @Test
  void readsGpt2() throws IOException {
    Files.copy(
        SharedTokenizers.data("tokenizers/gpt2/tokenizer.json"), folder.resolve("tokenizer.json"));
    TokenizerOracleTest.checkHuggingFace("gpt2_encoded_tokens.json", open(50257));
    TokenizerOracleTest.checkCases("gpt-2", open(50257));
  }

  @Test
  void readsSmolLm2AndPadsItsVocabulary() throws IOException {
    Files.copy(
        SharedTokenizers.data("tokenizers/smollm2-tokenizer.json"),
        folder.resolve("tokenizer.json"));
    Tokenizer tokenizer = open(49_160);
    assertThat(tokenizer.vocabSize()).isEqualTo(49_160);
    assertThat(tokenizer.isSpecial(49_159)).isTrue();
    assertThat(tokenizer.bytes(49_159)).isEmpty();
    assertThat(tokenizer.decode(tokenizer.encode("Grüße 123!"))).isEqualTo("Grüße 123!");
  }

  @Test
  void readsLlama3() throws IOException {
    SharedTokenizers.llama3(folder);
    ObjectNode root = json(folder.resolve("llama-bpe.gguf"), SPLIT.replace("DIGITS", "{1,3}"));
    ((ObjectNode) root.get("model")).put("ignore_merges", true);
    root.set(
        "post_processor",
        JSON.readTree(
            """
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
             "single":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}},
                       {"Sequence":{"id":"A","type_id":0}}]}]}
            """));
    Tokenizer tokenizer = write(root);
    TokenizerOracleTest.checkCases("llama-bpe", tokenizer);
    TokenizerOracleTest.checkHuggingFace("llama_3.2_encoded.json", tokenizer);
    assertThat(tokenizer.tokenText(tokenizer.bosToken())).isEqualTo("<|begin_of_text|>");
    assertThat(tokenizer.encodeWithSpecials("<|eot_id|>a", '\uFDD0')).hasSize(2);
    assertThat(tokenizer.encode("<|eot_id|>")).hasSizeGreaterThan(1);
  }

  @Test
  void readsQwen2AndNormalizes() throws IOException {
    SharedTokenizers.qwen2(folder);
    ObjectNode root = json(folder.resolve("qwen2.gguf"), SPLIT.replace("DIGITS", ""));
    Tokenizer plain = write(root);
    TokenizerOracleTest.checkCases("qwen2", plain);
    root.set("normalizer", JSON.readTree("{\"type\":\"NFC\"}"));
    Tokenizer tokenizer = write(root);
    assertThat(tokenizer.encode("e\u0301")).isEqualTo(plain.encode("\u00e9"));
    assertThat(plain.encode("e\u0301")).isNotEqualTo(plain.encode("\u00e9"));
  }

  private static final String PREPEND =
      """
      {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},
       {"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]}
      """;
  private static final String DECODER =
      """
      {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},
       {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}
      """;

  private ObjectNode llama2() throws IOException {
    ObjectNode root =
        json(SharedTokenizers.data("tokenizers/llama.cpp/ggml-vocab-llama-spm.gguf"), null);
    ((ObjectNode) root.get("model")).put("byte_fallback", true).put("unk_token", "<unk>");
    root.set("decoder", JSON.readTree(DECODER));
    return root;
  }

  @Test
  void readsLlama2ByMerges() throws IOException {
    ObjectNode root = llama2();
    root.set("normalizer", JSON.readTree(PREPEND));
    Tokenizer tokenizer = write(root);
    TokenizerOracleTest.checkCases("llama-spm", tokenizer);
    Tokenizer byScores = SharedTokenizers.vocab("llama-spm");
    var random = new Random(7);
    for (int round = 0; round < 300; round++) {
      var text = new StringBuilder();
      for (int i = random.nextInt(30); i >= 0; i--) {
        text.append(byScores.decode(random.nextInt(259, byScores.vocabSize())));
        text.append(random.nextInt(4) == 0 ? " " : "");
      }
      assertThat(tokenizer.encode(text.toString())).isEqualTo(byScores.encode(text.toString()));
    }
    assertThat(tokenizer.encodeWithSpecials("<s>a</s>a", '\uFDD0'))
        .isEqualTo(byScores.encodeWithSpecials("<s>a</s>a", '\uFDD0'));
  }

  @Test
  void prefixesOnceWhereMetaspaceSaysSo() throws IOException {
    ObjectNode root = llama2();
    String metaspace =
        "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"SCHEME\","
            + "\"split\":false}";
    root.set("pre_tokenizer", JSON.readTree(metaspace.replace("SCHEME", "first")));
    Tokenizer first = write(root);
    Tokenizer always = SharedTokenizers.vocab("llama-spm");
    int[] withPrefix = always.encode("a");
    assertThat(first.encode("a")).isEqualTo(withPrefix);
    int[] ids = first.encodeWithSpecials("<s>a", '\uFDD0');
    assertThat(ids[ids.length - 1]).isNotEqualTo(withPrefix[withPrefix.length - 1]);
    root.set("pre_tokenizer", JSON.readTree(metaspace.replace("SCHEME", "never")));
    assertThat(write(root).encode("a")).isNotEqualTo(withPrefix);
  }

  /** A vocabulary of the 256 bytes, "ab", and three added tokens. */
  private static ObjectNode tiny() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int b = 0; b < 256; b++) {
      vocabulary.put(String.valueOf(ByteAlphabet.character(b)), b);
    }
    vocabulary.put("ab", 256);
    model.putArray("merges").add("a b");
    ArrayNode added = root.putArray("added_tokens");
    added.addObject().put("id", 257).put("content", "<s>").put("special", true);
    added.addObject().put("id", 258).put("content", "</s>").put("special", true);
    added.addObject().put("id", 259).put("content", "<r>").put("special", true).put("rstrip", true);
    root.set("pre_tokenizer", JSON.readTree(BYTE_LEVEL));
    return root;
  }

  private FolderTokenizer openTiny(ObjectNode root, String config) throws IOException {
    JSON.writeValue(folder.resolve("tokenizer.json").toFile(), root);
    return FolderTokenizer.open(folder, config(config), 260);
  }

  @Test
  void takesRolesFromAllFiles() throws IOException {
    Tokenizer tokenizer = openTiny(tiny(), "{\"eos_token_id\":5,\"bos_token_id\":257}").tokenizer();
    assertThat(tokenizer.bosToken()).isEqualTo(257);
    assertThat(tokenizer.addsBos()).isFalse();
    assertThat(tokenizer.isEndOfGeneration(5)).isTrue();
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":[258,259]}");
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"bos_token":{"content":"<s>"},"eos_token":"</s>","add_bos_token":true,
         "chat_template":[{"name":"tool","template":"x"},{"name":"default","template":"y"}]}
        """);
    FolderTokenizer open = openTiny(tiny(), "{\"eos_token_id\":5}");
    tokenizer = open.tokenizer();
    assertThat(open.chatTemplate()).contains("y");
    assertThat(tokenizer.addsBos()).isTrue();
    assertThat(tokenizer.eosToken()).isEqualTo(258);
    assertThat(tokenizer.isEndOfGeneration(259)).isTrue();
    assertThat(tokenizer.isEndOfGeneration(5)).isFalse();
    Files.writeString(folder.resolve("chat_template.jinja"), "z");
    assertThat(openTiny(tiny(), "{}").chatTemplate()).contains("z");
    assertThat(tokenizer.encodeWithSpecials("<r> \n ab</s> ab", '\uFDD0'))
        .containsExactly(259, 256, 258, 32, 256);
  }

  @Test
  void leavesOutAddedTokensWithoutLogits() throws IOException {
    ObjectNode root = tiny();
    ((ArrayNode) root.get("added_tokens")).addObject().put("id", 260).put("content", "<pad>");
    assertThat(openTiny(root, "{}").tokenizer().vocabSize()).isEqualTo(260);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model/type | \"Unigram\" | model.type is Unigram, which is not supported",
        "model/dropout | 0.1 | dropout is set",
        "model/byte_fallback | true | byte_fallback is true",
        "model/end_of_word_suffix | \"</w>\" | end_of_word_suffix is set",
        "model/merges | [7] | merges has no pair of symbols at index 0",
        "model/merges | [[\"a\"]] | merges has no pair",
        "model/merges | [\"ab\"] | merges has 'ab' at index 0",
        "model/vocab | {\"a\":-1} | model.vocab.a is -1",
        "model/vocab | {\"a\":1.5} | model.vocab.a is 1.5, must be an integer",
        "model/vocab | {\"a\":0,\"b\":0} | tokens 'a' and 'b' have the same id 0",
        "model/vocab | {\"a\":260} | token 'a' has the id 260, but the model has 260 ids",
        "model/vocab | [] | model.vocab is an array",
        "normalizer | {\"type\":\"Lowercase\"} | normalizer.type is Lowercase",
        "normalizer | {} | normalizer.type is missing",
        "pre_tokenizer | {\"type\":\"Whitespace\"} | is Whitespace",
        "pre_tokenizer | {\"type\":\"ByteLevel\",\"add_prefix_space\":true} | add_prefix_space is",
        "pre_tokenizer | {\"type\":\"ByteLevel\",\"use_regex\":false} | use_regex is false",
        "decoder | {\"type\":\"WordPiece\"} | decoder.type is WordPiece",
        "post_processor | {\"type\":\"BertProcessing\"} | post_processor.type is BertProcessing",
        "added_tokens | [{\"id\":257,\"content\":\"x\",\"single_word\":true}] | single_word is true",
        "added_tokens | [{\"id\":-3,\"content\":\"x\"}] | id is -3",
        "added_tokens | [{\"id\":3,\"content\":\"x\"}] | and 'x' have the same id 3",
        "added_tokens | 7 | added_tokens is 7, must be an array",
      })
  void refusesByName(String path, String value, String message) throws IOException {
    ObjectNode root = tiny();
    ObjectNode owner = path.startsWith("model/") ? (ObjectNode) root.get("model") : root;
    owner.set(path.substring(path.indexOf('/') + 1), JSON.readTree(value));
    assertThatThrownBy(() -> openTiny(root, "{}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("tokenizer.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"x\":298,\"x\":299, | key model.vocab.x occurs twice",
        "\"\\ud800\":299, | the token 299 has half a surrogate pair"
      })
  void refusesWhatNoWriterOfJsonWrites(String begin, String message) throws IOException {
    openTiny(tiny(), "{}");
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(
        file,
        Files.readString(file)
            .replaceFirst(
                "(\"vocab\"\\s*:\\s*\\{)", "$1" + Matcher.quoteReplacement(begin.strip())));
    assertThatThrownBy(() -> open(300))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesOtherPatternsAndRoles() throws IOException {
    ObjectNode root = tiny();
    root.set("pre_tokenizer", JSON.readTree(SPLIT.replace("DIGITS", "{1,4}")));
    assertThatThrownBy(() -> openTiny(root, "{}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("{1,4}")
        .hasMessageContaining("llama-bpe");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\":\"<none>\"}");
    assertThatThrownBy(() -> openTiny(tiny(), "{}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("bos_token is '<none>', which is no token");
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":[260]}");
    assertThatThrownBy(() -> openTiny(tiny(), "{}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("eos_token_id has 260, must be ids below 260");
  }

  @Test
  void readsSentencePieceModels() throws IOException {
    Files.copy(
        SharedTokenizers.data("models/stories260K/hf/tokenizer.model"),
        folder.resolve("tokenizer.model"));
    Tokenizer tokenizer = open(512);
    Tokenizer gguf =
        Model.openTokenizer(SharedTokenizers.data("models/stories260K/stories260K-f32.gguf"));
    String text = "Once upon a time, there was a girl named Lily. Gr\u00fc\u00dfe!\n\"Yes\"";
    assertThat(tokenizer.encode(text)).isEqualTo(gguf.encode(text));
    assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    assertThat(tokenizer.encode("  a  b ")).isEqualTo(gguf.encode("a b"));
    assertThat(tokenizer.bosToken()).isEqualTo(1);
    assertThat(tokenizer.addsBos()).isTrue();
    assertThat(tokenizer.isEndOfGeneration(2)).isTrue();
  }

  /** Whatever its bytes, a model is read or refused. */
  @Test
  void readsOrRefusesMutatedSentencePieceModels() throws IOException {
    byte[] whole =
        Files.readAllBytes(SharedTokenizers.data("models/stories260K/hf/tokenizer.model"));
    var random = new Random(31);
    int opened = 0;
    for (int round = 0; round < 500; round++) {
      byte[] mutated =
          Arrays.copyOf(
              whole, random.nextInt(3) == 0 ? random.nextInt(whole.length) : whole.length);
      for (int i = random.nextInt(4); i > 0 && mutated.length > 0; i--) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
      }
      Files.write(folder.resolve("tokenizer.model"), mutated);
      try {
        Tokenizer tokenizer = open(512);
        for (int id : tokenizer.encode("Once upon a time")) {
          assertThat(id).isBetween(0, 511);
        }
        opened++;
      } catch (ModelFormatException e) {
        assertThat(e.getMessage()).contains("tokenizer.model");
      } catch (RuntimeException e) {
        throw new AssertionError("seed 31, round " + round, e);
      }
    }
    assertThat(opened).isBetween(1, 499);
  }

  @Test
  void takesTokenIdsWithoutATokenizer() throws IOException {
    Tokenizer tokenizer =
        FolderTokenizer.open(folder, config("{\"eos_token_id\":[7,8],\"bos_token_id\":1}"), 320)
            .tokenizer();
    assertThat(tokenizer.vocabSize()).isEqualTo(320);
    assertThat(tokenizer.eosToken()).isEqualTo(7);
    assertThat(tokenizer.isEndOfGeneration(8)).isTrue();
    assertThat(tokenizer.decode(3, 14, 8)).isEqualTo("3 14 ");
    assertThatThrownBy(() -> tokenizer.encode("text"))
        .hasMessageContaining("has no tokenizer")
        .hasMessageContaining("token_ids");
  }

  @Test
  void cutsWordsAsHuggingFace() throws IOException {
    Files.copy(
        SharedTokenizers.data("tokenizers/gpt2/tokenizer.json"), folder.resolve("tokenizer.json"));
    JsonNode cases;
    try (InputStream in = getClass().getResourceAsStream("huggingface-goldens.json")) {
      cases = JSON.readTree(in).get("gpt-2");
    }
    Tokenizer tokenizer = open(50257);
    for (JsonNode golden : cases) {
      var ids = new ArrayList<Integer>();
      golden.get("ids").forEach(id -> ids.add(id.asInt()));
      assertThat(tokenizer.encode(golden.get("text").asText()))
          .containsExactly(ids.toArray(Integer[]::new));
    }
  }
}
