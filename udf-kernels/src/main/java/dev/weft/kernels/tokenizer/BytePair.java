package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Byte-level BPE as of GPT-2: a text is cut into words, and the bytes of a word are merged in the
 * order of the file's merges.
 */
final class BytePair implements Scheme {
  private static final String MERGES = "tokenizer.ggml.merges";
  private static final int MAX_MERGES = 1 << 19;

  private final PreTokenizer preTokenizer;
  private final MergeTable merges;
  private final boolean nfc;
  private final int vocabSize;

  /** Token of each byte; -1 where a vocabulary has none, nor an unknown token: SmolLM2's byte 4. */
  private final int[] byteTokens = new int[256];

  private final byte[][] bytes;

  /** Bytes of merged symbols that are no tokens; their ids follow those of the tokens. */
  private final List<byte[]> intermediates = new ArrayList<>();

  /** Words that are tokens whatever the merges say, or null where merges decide alone. */
  private final PieceTable wholeWords;

  private BytePair(PreTokenizer preTokenizer, Vocabulary vocabulary, TokenizerMetadata metadata) {
    this.preTokenizer = preTokenizer;
    vocabSize = vocabulary.size();
    bytes = new byte[vocabSize][];
    Map<String, Integer> ids = HashMap.newHashMap(vocabSize);
    for (int token = 0; token < vocabSize; token++) {
      String text = vocabulary.text(token);
      if (vocabulary.isOrdinary(token)) {
        ids.putIfAbsent(text, token);
        bytes[token] = ByteAlphabet.decode(text);
      } else {
        bytes[token] = vocabulary.isSpecial(token) ? new byte[0] : text.getBytes(UTF_8);
      }
    }
    for (int b = 0; b < 256; b++) {
      Integer token = ids.get(String.valueOf(ByteAlphabet.character(b)));
      byteTokens[b] = token == null ? vocabulary.unknown() : token;
    }
    merges = readMerges(metadata, ids);
    nfc = metadata.bool(TokenizerMetadata.NFC, false);
    boolean ignoresMerges =
        metadata.bool(TokenizerMetadata.IGNORE_MERGES, preTokenizer.ignoresMerges());
    wholeWords = ignoresMerges ? new PieceTable(words(vocabulary)) : null;
  }

  static Tokenizer tokenizer(TokenizerMetadata metadata) {
    PreTokenizer preTokenizer = PreTokenizer.of(metadata);
    var vocabulary =
        new Vocabulary(metadata, new Vocabulary.Defaults(-1, -1, -1, preTokenizer.addsBos()));
    return new SchemeTokenizer(vocabulary, new BytePair(preTokenizer, vocabulary, metadata));
  }

  private MergeTable readMerges(TokenizerMetadata metadata, Map<String, Integer> ids) {
    String[] lines = metadata.strings(MERGES, MAX_MERGES);
    var table = new MergeTable(lines.length);
    for (int rank = 0; rank < lines.length; rank++) {
      String line = lines[rank];
      int space = line.indexOf(' ', 1);
      if (space < 0 || space == line.length() - 1) {
        throw metadata.wrong(
            MERGES, "has '" + line + "' at index " + rank + ", must be two symbols and a space");
      }
      String left = line.substring(0, space);
      String right = line.substring(space + 1);
      table.add(id(left, ids), id(right, ids), rank, id(left + right, ids));
    }
    return table;
  }

  private int id(String symbol, Map<String, Integer> ids) {
    return ids.computeIfAbsent(
        symbol,
        s -> {
          intermediates.add(ByteAlphabet.decode(s));
          return vocabSize + intermediates.size() - 1;
        });
  }

  /** The text of each ordinary token that is whole characters; null for the others. */
  private String[] words(Vocabulary vocabulary) {
    var words = new String[vocabSize];
    for (int token = 0; token < vocabSize; token++) {
      if (vocabulary.isOrdinary(token)) {
        try {
          words[token] = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes[token])).toString();
        } catch (CharacterCodingException e) {
          words[token] = null;
        }
      }
    }
    return words;
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
        for (byte b : intermediates.get(id - vocabSize)) {
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
    return bytes[token];
  }

  @Override
  public boolean addsSpacePrefix() {
    return false;
  }
}
