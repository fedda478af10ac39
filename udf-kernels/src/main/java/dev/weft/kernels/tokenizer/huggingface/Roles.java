package dev.weft.kernels.tokenizer.huggingface;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.util.List;
import java.util.Optional;

/**
 * Which tokens begin and end a text: as the post-processor has it, else {@code
 * tokenizer_config.json}, else {@code config.json} and {@code generation_config.json}.
 *
 * @param settings {@code tokenizer_config.json}
 * @param bos id of {@code config.json}, or -1
 * @param ends ids that end an answer
 */
record Roles(TokenList tokens, Optional<JsonObject> settings, int bos, List<Integer> ends) {
  static final String BOS = "tokenizer.ggml.bos_token_id";
  static final String EOS = "tokenizer.ggml.eos_token_id";
  private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
  private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";

  void put(FolderMetadata metadata, TokenizerJson.Around around) {
    int ownBos = metadata.integer(BOS, -1, Integer.MAX_VALUE, bos);
    int ownEos =
        metadata.integer(EOS, -1, Integer.MAX_VALUE, ends.isEmpty() ? -1 : ends.getFirst());
    int begin =
        around
            .before()
            .map(t -> tokens.id(t, "the token before a text"))
            .or(() -> named("bos_token"))
            .orElse(ownBos);
    int end =
        around
            .after()
            .map(t -> tokens.id(t, "the token after a text"))
            .or(() -> named("eos_token"))
            .orElse(ownEos);
    set(metadata, BOS, begin);
    set(metadata, EOS, end);
    metadata.put(TokenizerMetadata.END_OF_GENERATION, ends.stream().mapToInt(i -> i).toArray());
    if (!metadata.contains(ADD_BOS)) {
      boolean asked = settings.map(s -> s.bool("add_bos_token", false)).orElse(false);
      metadata.put(ADD_BOS, around.before().isPresent() || asked);
    }
    metadata.put(ADD_EOS, around.after().isPresent());
  }

  private static void set(FolderMetadata metadata, String key, int id) {
    if (id >= 0) {
      metadata.put(key, id);
    } else {
      metadata.remove(key);
    }
  }

  /** A token is named by its text, or by an object with it; null where there is none. */
  private Optional<Integer> named(String key) {
    if (settings.isEmpty() || !settings.get().contains(key)) {
      return Optional.empty();
    }
    JsonObject json = settings.get();
    String text =
        json.value(key) instanceof JsonObject token ? token.string("content") : json.string(key);
    return Optional.of(tokens.id(text, key));
  }
}
