package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** Tokenizers of the shared data, some converted from other forms to GGUF metadata first. */
final class SharedTokenizers {
  static final String[] LLAMA3_SPECIALS = {
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
  };
  private static final ObjectMapper JSON = new ObjectMapper();

  private SharedTokenizers() {}

  /** A folder or file of the shared data; skips the test where it is not there. */
  static Path data(String name) {
    Path path = Path.of(System.getProperty("weft.shared.data", "absent"), name);
    Assumptions.assumeTrue(
        Files.exists(path),
        "skipped: " + path + " is not there (system property weft.shared.data)");
    return path;
  }

  static Tokenizer vocab(String name) throws IOException {
    return Model.openTokenizer(data("tokenizers/llama.cpp/ggml-vocab-" + name + ".gguf"));
  }

  static Tokenizer llama3(Path folder) throws IOException {
    JsonNode encoder = JSON.readTree(data("tokenizers/llama3.2-hf/encoder.json").toFile());
    var tokens = new ArrayList<>(tokens(encoder));
    int ordinary = tokens.size();
    tokens.addAll(List.of(LLAMA3_SPECIALS));
    List<String> lines = Files.readAllLines(data("tokenizers/llama3.2-hf/vocab.bpe"), UTF_8);
    List<String> merges =
        lines.stream().filter(l -> !l.startsWith("#version") && !l.isEmpty()).toList();
    return byteLevel(folder, "llama-bpe", tokens, ordinary, merges);
  }

  /** Qwen's vocabulary gives ranks only: a token's merge is what lower ranks make of its bytes. */
  static Tokenizer qwen2(Path folder) throws IOException {
    Map<String, Integer> ranks = new HashMap<>();
    var tokens = new ArrayList<String>();
    var raw = new ArrayList<String>();
    for (String line : Files.readAllLines(data("tokenizers/qwen/qwen.tiktoken"), UTF_8)) {
      int space = line.indexOf(' ');
      byte[] bytes = Base64.getDecoder().decode(line.substring(0, space));
      String latin = new String(bytes, ISO_8859_1);
      ranks.put(latin, Integer.valueOf(line.substring(space + 1)));
      raw.add(latin);
      tokens.add(printable(latin));
    }
    var merges = new ArrayList<String>();
    for (String token : raw) {
      if (token.length() > 1) {
        String[] parts = mergeBelow(token, ranks);
        merges.add(printable(parts[0]) + " " + printable(parts[1]));
      }
    }
    int ordinary = tokens.size();
    tokens.addAll(List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
    return byteLevel(folder, "qwen2", tokens, ordinary, merges);
  }

  /** A Hugging Face {@code tokenizer.json} of byte-level BPE. */
  static Tokenizer huggingFace(Path folder, String file, String pre) throws IOException {
    JsonNode root = JSON.readTree(data(file).toFile());
    List<String> tokens = new ArrayList<>(tokens(root.get("model").get("vocab")));
    var types = new int[tokens.size()];
    Arrays.fill(types, 1);
    for (JsonNode added : root.get("added_tokens")) {
      types[added.get("id").asInt()] = 3;
    }
    var merges = new ArrayList<String>();
    for (JsonNode merge : root.get("model").get("merges")) {
      merges.add(
          merge.isTextual() ? merge.asText() : merge.get(0).asText() + " " + merge.get(1).asText());
    }
    return write(folder, pre, tokens, types, merges);
  }

  private static List<String> tokens(JsonNode vocabulary) {
    var tokens = new String[vocabulary.size()];
    vocabulary.properties().forEach(e -> tokens[e.getValue().asInt()] = e.getKey());
    return List.of(tokens);
  }

  private static String[] mergeBelow(String token, Map<String, Integer> ranks) {
    int limit = ranks.get(token);
    var parts = new ArrayList<>(Arrays.asList(token.split("")));
    while (parts.size() > 2) {
      int best = -1;
      int bestRank = limit;
      for (int i = 0; i + 1 < parts.size(); i++) {
        int rank = ranks.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MAX_VALUE);
        if (rank < bestRank) {
          best = i;
          bestRank = rank;
        }
      }
      parts.set(best, parts.get(best) + parts.remove(best + 1));
    }
    return parts.toArray(String[]::new);
  }

  private static String printable(String latin) {
    var text = new StringBuilder();
    latin.chars().forEach(b -> text.append(ByteAlphabet.character(b)));
    return text.toString();
  }

  private static Tokenizer byteLevel(
      Path folder, String pre, List<String> tokens, int ordinary, List<String> merges)
      throws IOException {
    var types = new int[tokens.size()];
    Arrays.fill(types, 0, ordinary, 1);
    Arrays.fill(types, ordinary, types.length, 3);
    return write(folder, pre, tokens, types, merges);
  }

  private static Tokenizer write(
      Path folder, String pre, List<String> tokens, int[] types, List<String> merges)
      throws IOException {
    Path path = folder.resolve(pre + ".gguf");
    new GgufWriter()
        .put("tokenizer.ggml.model", "gpt2")
        .put("tokenizer.ggml.pre", pre)
        .put("tokenizer.ggml.tokens", tokens.toArray(String[]::new))
        .put("tokenizer.ggml.token_type", types)
        .put("tokenizer.ggml.bos_token_id", Math.max(0, tokens.indexOf("<|begin_of_text|>")))
        .put("tokenizer.ggml.eos_token_id", tokens.size() - 1)
        .put("tokenizer.ggml.merges", merges.toArray(String[]::new))
        .write(path);
    return Model.openTokenizer(path);
  }
}
