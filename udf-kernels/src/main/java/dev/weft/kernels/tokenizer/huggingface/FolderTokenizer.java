package dev.weft.kernels.tokenizer.huggingface;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.Tokenizer;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import dev.weft.kernels.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tokenizer of a Hugging Face folder.
 *
 * @param tokenizer that of {@code tokenizer.json}, else of {@code tokenizer.model}, else one that
 *     takes token ids only
 * @param chatTemplate that of {@code chat_template.jinja}, else of {@code tokenizer_config.json}
 */
public record FolderTokenizer(Tokenizer tokenizer, Optional<String> chatTemplate) {
  private static final Logger LOG = LoggerFactory.getLogger(FolderTokenizer.class);
  private static final String JSON = "tokenizer.json";
  private static final String MODEL = "tokenizer.model";
  private static final String TEMPLATE = "chat_template.jinja";
  private static final long MAX_TOKENIZER_BYTES = 1 << 27;
  private static final long MAX_CONFIG_BYTES = 1 << 24;

  /**
   * Reads the files that are there.
   *
   * @param config {@code config.json} of the folder
   * @param vocabSize ids that the model has logits for
   * @throws ModelFormatException if a file is broken or holds something that is not supported
   * @throws IOException if a file cannot be read
   */
  public static FolderTokenizer open(Path folder, JsonObject config, int vocabSize)
      throws IOException {
    Optional<JsonObject> settings = read(folder, "tokenizer_config.json", MAX_CONFIG_BYTES);
    Optional<JsonObject> generation = read(folder, "generation_config.json", MAX_CONFIG_BYTES);
    List<Integer> ends = new ArrayList<>();
    JsonObject endsFrom = generation.filter(g -> g.contains("eos_token_id")).orElse(config);
    addIds(endsFrom, "eos_token_id", vocabSize, ends);
    int bos = config.integer("bos_token_id", 0, vocabSize - 1, -1);
    return new FolderTokenizer(
        tokenizer(folder, settings, vocabSize, bos, ends), template(folder, settings));
  }

  private static Optional<JsonObject> read(Path folder, String name, long maxBytes)
      throws IOException {
    Path file = folder.resolve(name);
    return Files.exists(file) ? Optional.of(JsonObject.read(file, maxBytes)) : Optional.empty();
  }

  /** One id or an array of them. */
  private static void addIds(JsonObject json, String key, int vocabSize, List<Integer> ids) {
    if (!(json.value(key) instanceof List<?> list)) {
      int id = json.integer(key, 0, vocabSize - 1, -1);
      if (id >= 0) {
        ids.add(id);
      }
      return;
    }
    for (Object element : list) {
      if (!(element instanceof Long id) || id < 0 || id >= vocabSize) {
        throw json.wrong(key, "has " + element + ", must be ids below " + vocabSize);
      }
      ids.add(id.intValue());
    }
  }

  private static Tokenizer tokenizer(
      Path folder, Optional<JsonObject> settings, int vocabSize, int bos, List<Integer> ends)
      throws IOException {
    Path json = folder.resolve(JSON);
    Path model = folder.resolve(MODEL);
    if (!Files.exists(json) && !Files.exists(model)) {
      LOG.warn(
          "{} has no {} and no {}: requests of token ids run, and answers are token ids as text;"
              + " requests of text become errors",
          folder,
          JSON,
          MODEL);
      return new TokenIds(folder.toString(), vocabSize, bos, ends);
    }
    Path file = Files.exists(json) ? json : model;
    var tokens = new TokenList(file.toString(), vocabSize);
    var metadata = new FolderMetadata(file.toString());
    metadata.put(TokenizerMetadata.EXPLICIT_ROLES, true);
    var roles = new Roles(tokens, settings, bos, ends);
    if (file == json) {
      roles.put(metadata, TokenizerJson.read(json, MAX_TOKENIZER_BYTES, tokens, metadata));
    } else {
      roles.put(metadata, sentencePiece(folder, model, settings, tokens, metadata));
    }
    return Tokenizers.of(metadata);
  }

  /** Llama's own tokenizer class adds the begin token unless it is told not to. */
  private static TokenizerJson.Around sentencePiece(
      Path folder,
      Path file,
      Optional<JsonObject> settings,
      TokenList tokens,
      FolderMetadata metadata)
      throws IOException {
    if (Files.exists(folder.resolve("added_tokens.json"))) {
      throw new ModelFormatException(
          "the folder has " + MODEL + " and added_tokens.json",
          folder.toString(),
          "Save the tokenizer as " + JSON + ", which holds both.");
    }
    if (Files.size(file) > MAX_TOKENIZER_BYTES) {
      throw new ModelFormatException(
          "the file has more than " + MAX_TOKENIZER_BYTES + " bytes",
          file.toString(),
          ModelFormatException.DAMAGED);
    }
    SentencePieceModel model =
        SentencePieceModel.read(ByteBuffer.wrap(Files.readAllBytes(file)), file.toString(), tokens);
    Optional<JsonObject> added = settings.flatMap(s -> s.optionalObject("added_tokens_decoder"));
    if (added.isPresent()) {
      for (String id : added.get().keys()) {
        if (!id.matches("[0-9]{1,9}")) {
          throw added.get().wrong(id, "is no token id");
        }
        tokens.added(Integer.parseInt(id), added.get().object(id));
      }
    }
    model.describe(metadata);
    metadata.put(Roles.BOS, model.bos()).put(Roles.EOS, model.eos());
    boolean addsBos = settings.map(s -> s.bool("add_bos_token", true)).orElse(true);
    metadata.put("tokenizer.ggml.add_bos_token", addsBos && model.bos() >= 0);
    return new TokenizerJson.Around(Optional.empty(), Optional.empty());
  }

  private static Optional<String> template(Path folder, Optional<JsonObject> settings)
      throws IOException {
    Path file = folder.resolve(TEMPLATE);
    if (Files.exists(file)) {
      if (Files.size(file) > MAX_CONFIG_BYTES) {
        throw new ModelFormatException(
            "the file has more than " + MAX_CONFIG_BYTES + " bytes",
            file.toString(),
            ModelFormatException.DAMAGED);
      }
      return Optional.of(Files.readString(file));
    }
    if (settings.isEmpty() || !settings.get().contains("chat_template")) {
      return Optional.empty();
    }
    JsonObject json = settings.get();
    if (!(json.value("chat_template") instanceof List<?>)) {
      return json.optionalString("chat_template");
    }
    return json.objects("chat_template").stream()
        .filter(t -> t.string("name").equals("default"))
        .map(t -> t.string("template"))
        .findFirst();
  }
}
