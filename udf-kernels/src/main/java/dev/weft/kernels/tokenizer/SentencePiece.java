package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * SentencePiece BPE as Llama 1 and 2 use it: spaces become U+2581, characters are merged to the
 * token of the best score, characters without a token become tokens of their bytes.
 */
final class SentencePiece implements Scheme {
  private static final char SPACE = '\u2581';
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String SCORES = "tokenizer.ggml.scores";

  private final PieceTable pieces;
  private final int[] priorities;
  private final int[] byteTokens = new int[256];
  private final int unknown;
  private final byte[][] bytes;
  private final boolean addsSpacePrefix;

  private SentencePiece(Vocabulary vocabulary, TokenizerMetadata metadata) {
    unknown = vocabulary.unknown();
    priorities = priorities(metadata, vocabulary.size());
    addsSpacePrefix = metadata.bool("tokenizer.ggml.add_space_prefix", true);
    bytes = new byte[vocabulary.size()][];
    Arrays.fill(byteTokens, -1);
    var texts = new String[bytes.length];
    for (int token = 0; token < bytes.length; token++) {
      bytes[token] = bytesOf(vocabulary, token, metadata);
      if (vocabulary.kind(token) == Vocabulary.Kind.BYTE) {
        byteTokens[bytes[token][0] & 0xFF] = token;
      } else if (vocabulary.isOrdinary(token)) {
        texts[token] = vocabulary.text(token);
      }
    }
    pieces = new PieceTable(texts);
    for (int b = 0; b < 256; b++) {
      if (byteTokens[b] < 0 && unknown < 0) {
        throw metadata.wrong(TOKENS, "has neither a token of byte " + b + " nor an unknown token");
      }
    }
  }

  static Tokenizer tokenizer(TokenizerMetadata metadata) {
    var vocabulary = new Vocabulary(metadata, new Vocabulary.Defaults(1, 2, 0, true));
    return new SchemeTokenizer(vocabulary, new SentencePiece(vocabulary, metadata));
  }

  /** Rank of each token's score; the best is lowest, equal scores have equal ranks. */
  private static int[] priorities(TokenizerMetadata metadata, int count) {
    float[] scores = metadata.floats(SCORES);
    if (scores.length != count) {
      throw metadata.wrong(SCORES, "has " + scores.length + " entries for " + count + " tokens");
    }
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(scores[i])) {
        throw metadata.wrong(SCORES, "has " + scores[i] + " at index " + i);
      }
      // Minus zero becomes zero, so that the two are equal in the order of Arrays.sort.
      scores[i] += 0f;
    }
    float[] sorted = scores.clone();
    Arrays.sort(sorted);
    var ranks = new int[count];
    for (int i = 0; i < count; i++) {
      ranks[i] = count - countUpTo(sorted, scores[i]);
    }
    return ranks;
  }

  private static int countUpTo(float[] sorted, float value) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] <= value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static byte[] bytesOf(Vocabulary vocabulary, int token, TokenizerMetadata metadata) {
    if (vocabulary.isSpecial(token)) {
      return new byte[0];
    }
    String text = vocabulary.text(token);
    return switch (vocabulary.kind(token)) {
      case BYTE -> {
        if (!text.matches("<0x[0-9A-Fa-f]{2}>")) {
          throw metadata.wrong(TOKENS, "has the byte token '" + text + "', must be like <0x0A>");
        }
        yield new byte[] {(byte) Integer.parseInt(text, 3, 5, 16)};
      }
      case NORMAL -> text.replace(SPACE, ' ').getBytes(UTF_8);
      default -> text.getBytes(UTF_8);
    };
  }

  @Override
  public void encode(String text, IntList out) {
    String escaped = (addsSpacePrefix ? SPACE + text : text).replace(' ', SPACE);
    PieceTable.Prepared prepared = pieces.prepare(escaped);
    int count = escaped.codePointCount(0, escaped.length());
    var starts = new int[count + 1];
    var merger = new Merger();
    merger.reserve(count);
    for (int i = 0; i < count; i++) {
      starts[i + 1] = starts[i] + Character.charCount(escaped.codePointAt(starts[i]));
      merger.ids[i] = prepared.find(starts[i], starts[i + 1]);
    }
    merger.run(
        count,
        (left, _, end) -> {
          int token = prepared.find(starts[left], starts[end]);
          return token < 0 ? Merger.Pairs.NONE : (long) priorities[token] << 32 | token;
        });
    for (int i = 0; i < count; i = merger.next(i)) {
      if (merger.ids[i] >= 0) {
        out.add(merger.ids[i]);
      } else {
        addBytes(escaped.substring(starts[i], starts[i + 1]), out);
      }
    }
  }

  private void addBytes(String character, IntList out) {
    byte[] utf8 = character.getBytes(UTF_8);
    for (byte b : utf8) {
      if (byteTokens[b & 0xFF] < 0) {
        out.add(unknown);
        return;
      }
    }
    for (byte b : utf8) {
      out.add(byteTokens[b & 0xFF]);
    }
  }

  @Override
  public byte[] bytes(int token) {
    return bytes[token];
  }

  @Override
  public boolean addsSpacePrefix() {
    return addsSpacePrefix;
  }
}
