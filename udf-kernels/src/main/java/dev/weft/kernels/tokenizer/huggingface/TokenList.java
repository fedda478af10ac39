package dev.weft.kernels.tokenizer.huggingface;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.ByteStrings;
import dev.weft.kernels.tokenizer.SymbolTable;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.nio.charset.CharsetEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
  private final SymbolTable texts = new SymbolTable(ByteStrings.of());

  /** By id, the number of its text and one; 0 where there is no token. */
  private final int[] tokens;

  /** By number of a text, the first token that has it. */
  private int[] ids = new int[64];

  private final CharsetEncoder encoder = UTF_8.newEncoder();
  private final int[] types;
  private final float[] scores;
  private final List<Integer> stripLeft = new ArrayList<>();
  private final List<Integer> stripRight = new ArrayList<>();

  TokenList(String where, int vocabSize) {
    this.where = where;
    tokens = new int[vocabSize];
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
    if (tokens[at] != 0) {
      throw wrong("tokens '" + text(at) + "' and '" + text + "' have the same id " + id);
    }
    if (!encoder.canEncode(text)) {
      throw wrong("the token " + id + " has half a surrogate pair");
    }
    boolean first = texts.token(text) < 0;
    int number = texts.id(text);
    tokens[at] = number + 1;
    types[at] = type;
    scores[at] = score;
    if (first) {
      if (number == ids.length) {
        ids = Arrays.copyOf(ids, 2 * number);
      }
      ids[number] = at;
    }
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
    if (id >= 0 && tokens[(int) id] != 0 && text.equals(text((int) id))) {
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
    return texts.token(text) >= 0;
  }

  /** The text of a token that is there. */
  private String text(int id) {
    return texts.symbol(tokens[id] - 1);
  }

  /** Marks the tokens that stand for a byte, such as {@code <0x0A>}. */
  void markBytes() {
    for (int id = 0; id < tokens.length; id++) {
      if (tokens[id] != 0 && text(id).matches("<0x[0-9A-F]{2}>")) {
        types[id] = BYTE;
      }
    }
  }

  /** The id of a token that must be there. */
  int id(String text, String role) {
    int number = texts.token(text);
    if (number < 0) {
      throw wrong(role + " is '" + text + "', which is no token");
    }
    return ids[number];
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
    var all = new ByteStrings.Builder(tokens.length, 0);
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] == 0) {
        types[i] = UNUSED;
      }
      all.add(tokens[i] == 0 ? "[UNUSED " + i + "]" : text(i));
    }
    for (int i = types.length - 1; i >= 0; i--) {
      if (types[i] == UNKNOWN) {
        metadata.put("tokenizer.ggml.unknown_token_id", i);
      }
    }
    metadata
        .put("tokenizer.ggml.tokens", all.build())
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
