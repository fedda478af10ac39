package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.text.Normalizer;
import java.util.Arrays;

/**
 * Byte-level BPE as of GPT-2: a text is cut into words, and the bytes of a word are merged in the
 * order of the file's merges.
 */
final class BytePair implements Scheme {
  private static final String MERGES = "tokenizer.ggml.merges";

  private final PreTokenizer preTokenizer;
  private final MergeTable merges;
  private final boolean nfc;
  private final int vocabSize;

  /** Token of each byte; -1 where a vocabulary has none, nor an unknown token: SmolLM2's byte 4. */
  private final int[] byteTokens = new int[256];

  private final Vocabulary vocabulary;

  /** Merged symbols that are no tokens; their ids follow those of the tokens. */
  private final ByteStrings intermediates;

  /** Words that are tokens whatever the merges say, or null where merges decide alone. */
  private final PieceTable wholeWords;

  private BytePair(PreTokenizer preTokenizer, Vocabulary vocabulary, TokenizerMetadata metadata) {
    this.preTokenizer = preTokenizer;
    this.vocabulary = vocabulary;
    vocabSize = vocabulary.size();
    var symbols = new SymbolTable(vocabulary.texts());
    for (int token = 0; token < vocabSize; token++) {
      if (vocabulary.isOrdinary(token)) {
        symbols.addToken(token);
      }
    }
    for (int b = 0; b < 256; b++) {
      int token = symbols.token(String.valueOf(ByteAlphabet.character(b)));
      byteTokens[b] = token < 0 ? vocabulary.unknown() : token;
    }
    merges = readMerges(metadata, symbols);
    intermediates = symbols.intermediates();
    nfc = metadata.bool(TokenizerMetadata.NFC, false);
    boolean ignoresMerges =
        metadata.bool(TokenizerMetadata.IGNORE_MERGES, preTokenizer.ignoresMerges());
    wholeWords = ignoresMerges ? new PieceTable(vocabSize, this::word) : null;
  }

  static Tokenizer tokenizer(TokenizerMetadata metadata) {
    PreTokenizer preTokenizer = PreTokenizer.of(metadata);
    var vocabulary =
        new Vocabulary(metadata, new Vocabulary.Defaults(-1, -1, -1, preTokenizer.addsBos()));
    return new SchemeTokenizer(vocabulary, new BytePair(preTokenizer, vocabulary, metadata));
  }

  private static MergeTable readMerges(TokenizerMetadata metadata, SymbolTable symbols) {
    ByteStrings lines = metadata.strings(MERGES, MergeTable.MAX_MERGES);
    var table = new MergeTable(lines.size());
    byte[] whole = new byte[0];
    for (int rank = 0; rank < lines.size(); rank++) {
      int start = lines.start(rank);
      int end = lines.end(rank);
      int space = start + 1;
      while (space < end && lines.utf8()[space] != ' ') {
        space++;
      }
      if (space >= end - 1) {
        throw metadata.wrong(
            MERGES,
            "has '%s' at index %d, must be two symbols and a space"
                .formatted(lines.get(rank), rank));
      }
      int length = end - start - 1;
      if (whole.length < length) {
        whole = new byte[2 * length];
      }
      System.arraycopy(lines.utf8(), start, whole, 0, space - start);
      System.arraycopy(lines.utf8(), space + 1, whole, space - start, end - space - 1);
      int left = symbols.id(lines.utf8(), start, space);
      int right = symbols.id(lines.utf8(), space + 1, end);
      table.add(left, right, rank, symbols.id(whole, 0, length));
    }
    return table;
  }

  /** The text of an ordinary token that is whole characters; null for the others. */
  private String word(int token) {
    if (!vocabulary.isOrdinary(token)) {
      return null;
    }
    byte[] bytes = bytes(token);
    var text = new String(bytes, UTF_8);
    return text.indexOf('\uFFFD') < 0 || Arrays.equals(text.getBytes(UTF_8), bytes) ? text : null;
  }

  @Override
  public void encode(String given, boolean first, IntList out) {
    String text = nfc ? Normalizer.normalize(given, Normalizer.Form.NFC) : given;
    var merger = new Merger();
    Merger.Pairs pairs = (left, right, _) -> merges.find(merger.ids[left], merger.ids[right]);
    PieceTable.Prepared prepared = wholeWords == null ? null : wholeWords.prepare(text);
    preTokenizer.split(
        text,
        (from, to) -> {
          int whole = prepared == null ? -1 : prepared.find(from, to);
          if (whole >= 0) {
            out.add(whole);
          } else {
            encodeWord(text, from, to, merger, pairs, out);
          }
        });
  }

  private void encodeWord(
      String text, int from, int to, Merger merger, Merger.Pairs pairs, IntList out) {
    merger.reserve(3 * (to - from));
    int count = addUtf8(text, from, to, merger.ids);
    merger.run(count, pairs);
    for (int i = 0; i < count; i = merger.next(i)) {
      int id = merger.ids[i];
      if (id < vocabSize) {
        out.add(id);
      } else {
        for (byte b : ByteAlphabet.decode(intermediates.get(id - vocabSize))) {
          if (byteTokens[b & 0xFF] >= 0) {
            out.add(byteTokens[b & 0xFF]);
          }
        }
      }
    }
  }

  /**
   * Writes the byte tokens of well-formed text and returns their number. Bytes without a token are
   * left out, as the models' own tokenizers do.
   */
  private int addUtf8(String text, int from, int to, int[] ids) {
    int n = 0;
    for (int i = from; i < to; i++) {
      int c = text.charAt(i);
      if (c < 0x80) {
        n = addByte(c, ids, n);
        continue;
      }
      if (c < 0x800) {
        n = addByte(0xC0 | c >> 6, ids, n);
      } else {
        if (Character.isHighSurrogate((char) c)) {
          c = text.codePointAt(i++);
          n = addByte(0xF0 | c >> 18, ids, n);
          n = addByte(0x80 | c >> 12 & 0x3F, ids, n);
        } else {
          n = addByte(0xE0 | c >> 12, ids, n);
        }
        n = addByte(0x80 | c >> 6 & 0x3F, ids, n);
      }
      n = addByte(0x80 | c & 0x3F, ids, n);
    }
    return n;
  }

  private int addByte(int b, int[] ids, int n) {
    if (byteTokens[b] < 0) {
      return n;
    }
    ids[n] = byteTokens[b];
    return n + 1;
  }

  @Override
  public byte[] bytes(int token) {
    if (vocabulary.isOrdinary(token)) {
      return ByteAlphabet.decode(vocabulary.text(token));
    }
    return vocabulary.isSpecial(token) ? new byte[0] : vocabulary.text(token).getBytes(UTF_8);
  }

  @Override
  public boolean addsSpacePrefix() {
    return false;
  }
}
