package dev.weft.kernels.tokenizer.huggingface;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tokens of a model by id, as many as it has logits, and their kinds as GGUF numbers them. */
final class TokenList {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int UNUSED = 5;
  static final int BYTE = 6;

  private static final Logger LOG = LoggerFactory.getLogger(TokenList.class);

  private final String where;
  private final String[] tokens;
  private final int[] types;
  private final float[] scores;
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<Integer> stripLeft = new ArrayList<>();
  private final List<Integer> stripRight = new ArrayList<>();

  TokenList(String where, int vocabSize) {
    this.where = where;
    tokens = new String[vocabSize];
    types = new int[vocabSize];
    scores = new float[vocabSize];
  }

  /** A token of the vocabulary. */
  void token(long id, String text, int type, float score) {
    if (id < 0 || id >= tokens.length) {
      throw wrong(
          "token '"
              + text
              + "' has the id "
              + id
              + ", but the model has "
              + tokens.length
              + " ids");
    }
    int at = (int) id;
    if (tokens[at] != null) {
      throw wrong("tokens '" + tokens[at] + "' and '" + text + "' have the same id " + id);
    }
    tokens[at] = text;
    types[at] = type;
    scores[at] = score;
    ids.putIfAbsent(text, at);
  }

  /** A token that was added to the vocabulary; it may repeat one of its tokens. */
  void added(long id, JsonObject token) {
    String text = token.string("content");
    if (token.bool("single_word", false)) {
      throw token.unsupported("single_word", "true for '" + text + "'", "added tokens without it");
    }
    if (id >= tokens.length) {
      LOG.warn(
          "{}: added token '{}' has the id {}, for which the model has no logits; it is left out",
          where,
          text,
          id);
      return;
    }
    int type = token.bool("special", false) ? CONTROL : USER_DEFINED;
    if (id >= 0 && text.equals(tokens[(int) id])) {
      types[(int) id] = type;
    } else {
      token(id, text, type, 0);
    }
    if (token.bool("lstrip", false)) {
      stripLeft.add((int) id);
    }
    if (token.bool("rstrip", false)) {
      stripRight.add((int) id);
    }
  }

  /** Whether there is a token of this text. */
  boolean contains(String text) {
    return ids.containsKey(text);
  }

  /** The id of a token that must be there. */
  int id(String text, String role) {
    Integer id = ids.get(text);
    if (id == null) {
      throw wrong(role + " is '" + text + "', which is no token");
    }
    return id;
  }

  /** Marks the token that stands for what has none. */
  void unknown(String text) {
    types[id(text, "unk_token")] = UNKNOWN;
  }

  /** Tokens of each kind. */
  long count(int type) {
    return Arrays.stream(types).filter(t -> t == type).count();
  }

  /** Writes tokens and kinds; ids without a token are never part of a text. */
  void describe(FolderMetadata metadata) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] == null) {
        tokens[i] = "[UNUSED " + i + "]";
        types[i] = UNUSED;
      }
    }
    for (int i = types.length - 1; i >= 0; i--) {
      if (types[i] == UNKNOWN) {
        metadata.put("tokenizer.ggml.unknown_token_id", i);
      }
    }
    metadata
        .put("tokenizer.ggml.tokens", tokens)
        .put("tokenizer.ggml.token_type", types)
        .put(TokenizerMetadata.STRIP_LEFT, array(stripLeft))
        .put(TokenizerMetadata.STRIP_RIGHT, array(stripRight));
  }

  float[] scores() {
    return scores;
  }

  private static int[] array(List<Integer> list) {
    return list.stream().mapToInt(i -> i).toArray();
  }

  private ModelFormatException wrong(String what) {
    return new ModelFormatException(what, where, ModelFormatException.DAMAGED);
  }
}
