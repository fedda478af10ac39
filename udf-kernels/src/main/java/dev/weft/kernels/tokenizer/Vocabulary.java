package dev.weft.kernels.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Tokens, their kinds and the roles of special ones, as {@code tokenizer.ggml.*} gives them. */
final class Vocabulary {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final int MAX_TOKENS = 1 << 19;

  /**
   * Longest token: three times what any known vocabulary has. Steps of matching special tokens grow
   * with the longest, and texts over 1,000 characters can be made to collide in {@link PieceTable}.
   */
  private static final int MAX_TOKEN_CHARS = 960;

  /** Most special tokens: ten times what any known vocabulary has. Each is a string of its own. */
  private static final int MAX_SPECIALS = 1 << 16;

  /** Longest special token. */
  private static final int MAX_SPECIAL_CHARS = 256;

  /** Tokens that end an answer by their string, in every file, as in llama.cpp. */
  private static final Set<String> END_OF_GENERATION =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<|eom_id|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<end_of_utterance>",
          "<EOT>",
          "<｜end▁of▁sentence｜>");

  /** What a token is; the ordinal is the number in the file. */
  enum Kind {
    UNDEFINED,
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE;

    private static final Kind[] ALL = values();
  }

  private final ByteStrings tokens;

  /** Ordinals of kinds. */
  private final byte[] kinds;

  private final BitSet endOfGeneration = new BitSet();
  private final BitSet stripsLeft = new BitSet();
  private final BitSet stripsRight = new BitSet();
  private final SpecialMatcher specials;
  private final int bos;
  private final int eos;
  private final int unknown;
  private final boolean addsBos;
  private final boolean addsEos;

  /** Token ids, or -1, and behaviour where a file is silent. */
  record Defaults(int bos, int eos, int unknown, boolean addsBos) {}

  Vocabulary(TokenizerMetadata metadata, Defaults usual) {
    Defaults defaults =
        metadata.bool(TokenizerMetadata.EXPLICIT_ROLES, false)
            ? new Defaults(-1, -1, -1, false)
            : usual;
    tokens = metadata.strings(PREFIX + "tokens", MAX_TOKENS);
    int count = tokens.size();
    if (count == 0) {
      throw metadata.wrong(PREFIX + "tokens", "is empty");
    }
    for (int token = 0; token < count; token++) {
      int length = tokens.get(token).length();
      if (length > MAX_TOKEN_CHARS) {
        throw metadata.wrong(
            PREFIX + "tokens",
            "has the token %d of %d characters, must have at most %d"
                .formatted(token, length, MAX_TOKEN_CHARS));
      }
    }
    kinds = kinds(metadata, count);
    bos = role(metadata, "bos_token_id", defaults.bos);
    eos = role(metadata, "eos_token_id", defaults.eos);
    int declaredUnknown = role(metadata, "unknown_token_id", defaults.unknown);
    addsBos = bos >= 0 && metadata.bool(PREFIX + "add_bos_token", defaults.addsBos);
    addsEos = eos >= 0 && metadata.bool(PREFIX + "add_eos_token", false);
    markRoles(metadata);
    mark(metadata, TokenizerMetadata.STRIP_LEFT, stripsLeft);
    mark(metadata, TokenizerMetadata.STRIP_RIGHT, stripsRight);
    // Text that no token stands for must not begin or end a turn.
    boolean usable = declaredUnknown >= 0 && kind(declaredUnknown) != Kind.CONTROL;
    unknown = usable ? declaredUnknown : -1;
    specials = specials(metadata);
  }

  private static byte[] kinds(TokenizerMetadata metadata, int count) {
    var kinds = new byte[count];
    String key = PREFIX + "token_type";
    if (!metadata.contains(key)) {
      Arrays.fill(kinds, (byte) Kind.NORMAL.ordinal());
      return kinds;
    }
    int[] numbers = metadata.integers(key, 0, Kind.ALL.length - 1);
    if (numbers.length != count) {
      throw metadata.wrong(key, "has " + numbers.length + " entries for " + count + " tokens");
    }
    for (int token = 0; token < count; token++) {
      kinds[token] = (byte) numbers[token];
    }
    return kinds;
  }

  private int role(TokenizerMetadata metadata, String name, int defaultToken) {
    int token = defaultToken < tokens.size() ? defaultToken : -1;
    return metadata.integer(PREFIX + name, 0, tokens.size() - 1, token);
  }

  /** Tokens with a role are control tokens, even where the file calls them normal ones. */
  private void markRoles(TokenizerMetadata metadata) {
    markControl(bos);
    for (int token :
        new int[] {eos, role(metadata, "eot_token_id", -1), role(metadata, "eom_token_id", -1)}) {
      if (token >= 0) {
        endOfGeneration.set(token);
        markControl(token);
      }
    }
    var more = new BitSet();
    mark(metadata, TokenizerMetadata.END_OF_GENERATION, more);
    more.stream().forEach(this::markControl);
    endOfGeneration.or(more);
    for (int token = 0; token < tokens.size(); token++) {
      if (END_OF_GENERATION.contains(tokens.get(token))) {
        endOfGeneration.set(token);
        markControl(token);
      }
    }
  }

  private void mark(TokenizerMetadata metadata, String key, BitSet set) {
    if (metadata.contains(key)) {
      for (int token : metadata.integers(key, 0, tokens.size() - 1)) {
        set.set(token);
      }
    }
  }

  private void markControl(int token) {
    // A single character is text of its own (a byte of byte-level BPE): small test models use one.
    if (token >= 0 && tokens.get(token).length() > 1 && kind(token) != Kind.BYTE) {
      kinds[token] = (byte) Kind.CONTROL.ordinal();
    }
  }

  private SpecialMatcher specials(TokenizerMetadata metadata) {
    Map<String, Integer> byString = new HashMap<>();
    for (int token = 0; token < tokens.size(); token++) {
      Kind kind = kind(token);
      if (kind != Kind.CONTROL && kind != Kind.USER_DEFINED && kind != Kind.UNKNOWN) {
        continue;
      }
      String text = tokens.get(token);
      if (text.length() > MAX_SPECIAL_CHARS) {
        throw metadata.wrong(
            PREFIX + "tokens",
            "has the special token %d of %d characters, must have at most %d"
                .formatted(token, text.length(), MAX_SPECIAL_CHARS));
      }
      if (!text.isEmpty()) {
        byString.putIfAbsent(text, token);
      }
      if (byString.size() > MAX_SPECIALS) {
        throw metadata.wrong(
            PREFIX + "token_type", "makes more than " + MAX_SPECIALS + " tokens special");
      }
    }
    return new SpecialMatcher(byString);
  }

  int size() {
    return tokens.size();
  }

  String text(int token) {
    return tokens.get(token);
  }

  /** Texts of all tokens. */
  ByteStrings texts() {
    return tokens;
  }

  Kind kind(int token) {
    return Kind.ALL[kinds[token]];
  }

  /** Whether ordinary text may become this token. */
  boolean isOrdinary(int token) {
    return kinds[token] == Kind.NORMAL.ordinal();
  }

  boolean isSpecial(int token) {
    return switch (kind(token)) {
      case CONTROL, UNKNOWN, UNUSED, UNDEFINED -> true;
      case NORMAL, USER_DEFINED, BYTE -> false;
    };
  }

  boolean isEndOfGeneration(int token) {
    return endOfGeneration.get(token);
  }

  /** Whether a special token swallows white space before it. */
  boolean stripsLeft(int token) {
    return stripsLeft.get(token);
  }

  /** Whether a special token swallows white space after it. */
  boolean stripsRight(int token) {
    return stripsRight.get(token);
  }

  int bos() {
    return bos;
  }

  int eos() {
    return eos;
  }

  int unknown() {
    return unknown;
  }

  boolean addsBos() {
    return addsBos;
  }

  boolean addsEos() {
    return addsEos;
  }

  SpecialMatcher specialMatcher() {
    return specials;
  }
}
