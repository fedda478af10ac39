package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * SentencePiece BPE as Llama 1 and 2 use it: spaces become U+2581, characters are merged to the
 * token of the best score, or in the order of the merges where a file has those instead of scores;
 * characters without a token become tokens of their bytes.
 */
final class SentencePiece implements Scheme {
  private static final char SPACE = '\u2581';
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String MERGES = "tokenizer.ggml.merges";

  private final PieceTable pieces;

  /** Of the tokens; null where there are merges. */
  private final int[] priorities;

  /** Null where there are priorities. */
  private final MergeTable merges;

  private final int[] byteTokens = new int[256];
  private final int unknown;
  private final Vocabulary vocabulary;
  private final boolean addsSpacePrefix;
  private final boolean prefixOnce;
  private final boolean removesExtraSpaces;

  private SentencePiece(Vocabulary vocabulary, TokenizerMetadata metadata) {
    unknown = vocabulary.unknown();
    boolean byMerges = !metadata.contains(SCORES) && metadata.contains(MERGES);
    priorities = byMerges ? null : priorities(metadata, vocabulary.size());
    prefixOnce = metadata.bool(TokenizerMetadata.SPACE_PREFIX_ONCE, false);
    removesExtraSpaces = metadata.bool(TokenizerMetadata.REMOVE_EXTRA_SPACES, false);
    addsSpacePrefix = metadata.bool("tokenizer.ggml.add_space_prefix", true);
    this.vocabulary = vocabulary;
    Arrays.fill(byteTokens, -1);
    for (int token = 0; token < vocabulary.size(); token++) {
      if (vocabulary.kind(token) == Vocabulary.Kind.BYTE) {
        String text = vocabulary.text(token);
        if (!text.matches("<0x[0-9A-Fa-f]{2}>")) {
          throw metadata.wrong(TOKENS, "has the byte token '" + text + "', must be like <0x0A>");
        }
        byteTokens[byteOf(text)] = token;
      }
    }
    pieces =
        new PieceTable(
            vocabulary.size(),
            token -> vocabulary.isOrdinary(token) ? vocabulary.text(token) : null);
    merges = byMerges ? merges(metadata) : null;
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

  private MergeTable merges(TokenizerMetadata metadata) {
    ByteStrings lines = metadata.strings(MERGES, MergeTable.MAX_MERGES);
    var table = new MergeTable(lines.size());
    for (int rank = 0; rank < lines.size(); rank++) {
      String line = lines.get(rank);
      int space = line.indexOf(' ', 1);
      int left = space < 0 ? -1 : piece(line.substring(0, space));
      int right = space < 0 ? -1 : piece(line.substring(space + 1));
      int whole = space < 0 ? -1 : piece(line.replace(" ", ""));
      if (left < 0 || right < 0 || whole < 0) {
        throw metadata.wrong(
            MERGES, "has '" + line + "' at index " + rank + ", must be two tokens of a third");
      }
      table.add(left, right, rank, whole);
    }
    return table;
  }

  private int piece(String text) {
    return text.isEmpty() ? -1 : pieces.prepare(text).find(0, text.length());
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

  /** The byte of a text like {@code <0x0A>}. */
  private static int byteOf(String text) {
    return Integer.parseInt(text, 3, 5, 16);
  }

  @Override
  public void encode(String given, boolean first, IntList out) {
    String text = removesExtraSpaces ? withoutExtraSpaces(given) : given;
    if (text.isEmpty()) {
      return;
    }
    boolean prefix = addsSpacePrefix && (first || !prefixOnce);
    String escaped = (prefix ? SPACE + text : text).replace(' ', SPACE);
    PieceTable.Prepared prepared = pieces.prepare(escaped);
    int count = escaped.codePointCount(0, escaped.length());
    var starts = new int[count + 1];
    var merger = new Merger();
    merger.reserve(count);
    for (int i = 0; i < count; i++) {
      starts[i + 1] = starts[i] + Character.charCount(escaped.codePointAt(starts[i]));
      merger.ids[i] = prepared.find(starts[i], starts[i + 1]);
    }
    Merger.Pairs byScore =
        (left, _, end) -> {
          int token = prepared.find(starts[left], starts[end]);
          return token < 0 ? Merger.Pairs.NONE : (long) priorities[token] << 32 | token;
        };
    Merger.Pairs byMerge = (left, right, _) -> merges.find(merger.ids[left], merger.ids[right]);
    merger.run(count, merges == null ? byScore : byMerge);
    for (int i = 0; i < count; i = merger.next(i)) {
      if (merger.ids[i] >= 0) {
        out.add(merger.ids[i]);
      } else {
        addBytes(escaped.substring(starts[i], starts[i + 1]), out);
      }
    }
  }

  private static String withoutExtraSpaces(String text) {
    var kept = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean again = kept.isEmpty() || kept.charAt(kept.length() - 1) == ' ';
      if (c != ' ' || !again) {
        kept.append(c);
      }
    }
    int end = kept.length();
    return kept.substring(0, end > 0 && kept.charAt(end - 1) == ' ' ? end - 1 : end);
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
    if (vocabulary.isSpecial(token)) {
      return new byte[0];
    }
    String text = vocabulary.text(token);
    return switch (vocabulary.kind(token)) {
      case BYTE -> new byte[] {(byte) byteOf(text)};
      case NORMAL -> text.replace(SPACE, ' ').getBytes(UTF_8);
      default -> text.getBytes(UTF_8);
    };
  }

  @Override
  public boolean addsSpacePrefix() {
    return addsSpacePrefix;
  }
}
