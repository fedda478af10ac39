package dev.weft.kernels.tokenizer.huggingface;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.tokenizer.ByteStrings;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code tokenizer.json} of the Hugging Face tokenizers library: byte-level BPE, and BPE over
 * characters with byte fallback as it is made of SentencePiece models. Any part that is not known
 * is refused by name.
 */
final class TokenizerJson {
  private static final String SPACE = "\u2581";
  private static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  private static final String MODERN =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** Names that GGUF has for the patterns of the models' own pre-tokenizers. */
  private static final Map<String, String> PATTERNS =
      Map.of(GPT2, "gpt-2", MODERN, "llama-bpe", MODERN.replace("{1,3}", ""), "qwen2");

  private final JsonObject json;
  private final TokenList tokens;
  private final FolderMetadata metadata;

  private final ByteStrings merges;

  private TokenizerJson(
      JsonObject json, ByteStrings merges, TokenList tokens, FolderMetadata metadata) {
    this.json = json;
    this.merges = merges;
    this.tokens = tokens;
    this.metadata = metadata;
  }

  /** What the post-processor puts around a text. */
  record Around(Optional<String> before, Optional<String> after) {}

  /**
   * Reads a file and describes vocabulary and scheme. Vocabulary and merges never become objects.
   *
   * @throws IOException if it cannot be read
   */
  static Around read(Path file, long maxBytes, TokenList tokens, FolderMetadata metadata)
      throws IOException {
    var merges = new ByteStrings.Builder(0, 0);
    var json =
        JsonObject.read(
            file,
            maxBytes,
            Map.of(
                "model.vocab", one -> token(one, tokens),
                "model.merges", one -> merges.add(merge(one, merges.size()))));
    return read(json, merges.build(), tokens, metadata);
  }

  private static void token(JsonObject one, TokenList tokens) {
    String text = one.keys().iterator().next();
    if (tokens.contains(text)) {
      throw one.wrong(text, "occurs twice");
    }
    tokens.token(one.integer(text, 0, Integer.MAX_VALUE), text, TokenList.NORMAL, 0);
  }

  /** Two symbols with a space between; in new files an array of the two. */
  private static String merge(JsonObject one, int index) {
    String line =
        switch (one.value("merges")) {
          case String text -> text;
          case List<?> pair
              when pair.size() == 2
                  && pair.get(0) instanceof String left
                  && pair.get(1) instanceof String right
                  && !left.contains(" ")
                  && !right.contains(" ") ->
              left + " " + right;
          case null, default ->
              throw one.wrong("merges", "has no pair of symbols at index " + index);
        };
    if (!UTF_8.newEncoder().canEncode(line)) {
      throw one.wrong("merges", "has half a surrogate pair in the element " + index);
    }
    return line;
  }

  private static Around read(
      JsonObject json, ByteStrings merges, TokenList tokens, FolderMetadata metadata) {
    var reader = new TokenizerJson(json, merges, tokens, metadata);
    List<JsonObject> preTokenizers = parts(json, "pre_tokenizer", "pretokenizers");
    boolean byteLevel = preTokenizers.stream().anyMatch(p -> type(p).equals("ByteLevel"));
    for (JsonObject part : preTokenizers) {
      if (!byteLevel && !type(part).equals("Metaspace")) {
        throw unknown(part, "ByteLevel and Metaspace");
      }
    }
    reader.vocabulary(!byteLevel);
    if (byteLevel) {
      reader.byteLevel(preTokenizers);
    } else {
      reader.sentencePiece(preTokenizers);
    }
    tokens.describe(metadata);
    return reader.around();
  }

  /** The parts of a sequence, or the one part, or none. */
  private static List<JsonObject> parts(JsonObject owner, String key, String list) {
    Optional<JsonObject> part = owner.optionalObject(key);
    if (part.isEmpty()) {
      return List.of();
    }
    return type(part.get()).equals("Sequence") ? part.get().objects(list) : List.of(part.get());
  }

  private static String type(JsonObject part) {
    return part.string("type");
  }

  private static RuntimeException unknown(JsonObject part, String supported) {
    return part.unsupported("type", type(part), supported);
  }

  private void vocabulary(boolean byteFallback) {
    JsonObject model = json.object("model");
    String kind = model.optionalString("type").orElse("BPE");
    if (!kind.equals("BPE")) {
      throw model.unsupported("type", kind, "BPE");
    }
    if (model.real("dropout", 0) != 0) {
      throw model.unsupported("dropout", "set", "models without it");
    }
    for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.optionalString(key).orElse("").isEmpty()) {
        throw model.unsupported(key, "set", "models without it");
      }
    }
    if (model.bool("byte_fallback", false) != byteFallback) {
      throw model.unsupported(
          "byte_fallback",
          String.valueOf(!byteFallback),
          "byte-level models without it and others with it");
    }
    // What they held was handed out; here they are empty, or of another type.
    model.object("vocab");
    model.array("merges");
    if (byteFallback) {
      tokens.markBytes();
    }
    for (JsonObject added : json.objects("added_tokens")) {
      tokens.added(added.integer("id", 0, Integer.MAX_VALUE), added);
    }
    model.optionalString("unk_token").filter(tokens::contains).ifPresent(tokens::unknown);
    if (byteFallback && tokens.count(TokenList.BYTE) != 256) {
      throw model.wrong("vocab", "lacks tokens of some bytes, which byte_fallback needs");
    }
    metadata.put("tokenizer.ggml.merges", merges);
    metadata.put(TokenizerMetadata.IGNORE_MERGES, model.bool("ignore_merges", false));
  }

  private void byteLevel(List<JsonObject> preTokenizers) {
    metadata.put("tokenizer.ggml.model", "gpt2");
    for (JsonObject normalizer : parts(json, "normalizer", "normalizers")) {
      if (!type(normalizer).equals("NFC")) {
        throw unknown(normalizer, "NFC");
      }
      metadata.put(TokenizerMetadata.NFC, true);
    }
    for (JsonObject decoder : parts(json, "decoder", "decoders")) {
      if (!type(decoder).equals("ByteLevel")) {
        throw unknown(decoder, "ByteLevel");
      }
    }
    metadata.put("tokenizer.ggml.pre", preTokenizer(preTokenizers));
  }

  private String preTokenizer(List<JsonObject> parts) {
    JsonObject last = parts.getLast();
    if (!type(last).equals("ByteLevel") || parts.size() > 2) {
      throw json.unsupported(
          "pre_tokenizer",
          "a sequence of " + parts.stream().map(TokenizerJson::type).toList(),
          "ByteLevel, Split and ByteLevel, Digits and ByteLevel");
    }
    if (last.bool("add_prefix_space", false)) {
      throw last.unsupported("add_prefix_space", "true", "false");
    }
    boolean cuts = last.bool("use_regex", true);
    if (parts.size() == 1) {
      if (!cuts) {
        throw last.unsupported("use_regex", "false", "true, where nothing else cuts words");
      }
      return "gpt-2";
    }
    JsonObject first = parts.getFirst();
    return switch (type(first)) {
      case "Digits" -> {
        if (!cuts || !first.bool("individual_digits", false)) {
          throw first.unsupported("individual_digits", "false", "true, followed by use_regex");
        }
        yield "smollm";
      }
      case "Split" -> {
        String pattern = first.object("pattern").optionalString("Regex").orElse("no Regex");
        String name = PATTERNS.get(pattern);
        String behavior = first.string("behavior");
        boolean isolates =
            behavior.equals("Isolated") && !first.bool("invert", false)
                || behavior.equals("Removed") && first.bool("invert", false);
        if (name == null || !isolates || cuts) {
          throw first.unsupported(
              "pattern", pattern, "the patterns of " + PATTERNS.values() + ", isolated");
        }
        yield name;
      }
      default -> throw unknown(first, "Digits and Split before ByteLevel");
    };
  }

  private void sentencePiece(List<JsonObject> preTokenizers) {
    metadata.put("tokenizer.ggml.model", "llama");
    boolean prefix = false;
    boolean escapes = false;
    for (JsonObject normalizer : parts(json, "normalizer", "normalizers")) {
      switch (type(normalizer)) {
        case "Prepend" -> {
          requireSpace(normalizer, "prepend", normalizer.string("prepend"), SPACE);
          prefix = true;
        }
        case "Replace" -> {
          String from = normalizer.object("pattern").optionalString("String").orElse("a Regex");
          requireSpace(normalizer, "pattern", from, " ");
          requireSpace(normalizer, "content", normalizer.string("content"), SPACE);
          escapes = true;
        }
        default -> throw unknown(normalizer, "Prepend and Replace");
      }
    }
    for (JsonObject part : preTokenizers) {
      if (part.bool("split", true)) {
        throw part.unsupported("split", "true", "false");
      }
      requireSpace(part, "replacement", part.string("replacement"), SPACE);
      String scheme =
          part.optionalString("prepend_scheme")
              .orElse(part.bool("add_prefix_space", true) ? "always" : "never");
      switch (scheme) {
        case "always" -> prefix = true;
        case "first" -> {
          prefix = true;
          metadata.put(TokenizerMetadata.SPACE_PREFIX_ONCE, true);
        }
        case "never" -> {}
        default -> throw part.unsupported("prepend_scheme", scheme, "always, first and never");
      }
      escapes = true;
    }
    if (!escapes) {
      throw json.wrong("normalizer", "and pre_tokenizer leave spaces, which no token has");
    }
    for (JsonObject decoder : parts(json, "decoder", "decoders")) {
      if (!List.of("Replace", "ByteFallback", "Fuse", "Strip", "Metaspace")
          .contains(type(decoder))) {
        throw unknown(decoder, "Replace, ByteFallback, Fuse, Strip and Metaspace");
      }
    }
    metadata.put("tokenizer.ggml.add_space_prefix", prefix);
  }

  private static void requireSpace(JsonObject part, String key, String is, String wanted) {
    if (!is.equals(wanted)) {
      throw part.unsupported(key, "'" + is + "'", "'" + wanted + "'");
    }
  }

  private Around around() {
    var before = new ArrayList<String>();
    var after = new ArrayList<String>();
    for (JsonObject part : parts(json, "post_processor", "processors")) {
      switch (type(part)) {
        case "ByteLevel" -> {}
        case "TemplateProcessing" -> {
          boolean text = false;
          for (JsonObject piece : part.objects("single")) {
            if (piece.contains("Sequence")) {
              text = true;
            } else {
              (text ? after : before).add(piece.object("SpecialToken").string("id"));
            }
          }
        }
        default -> throw unknown(part, "ByteLevel and TemplateProcessing");
      }
    }
    if (before.size() > 1 || after.size() > 1) {
      throw json.unsupported(
          "post_processor", before + " text " + after, "one token before and one after a text");
    }
    return new Around(before.stream().findFirst(), after.stream().findFirst());
  }
}
