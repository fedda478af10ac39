package dev.weft.kernels.tokenizer;

import java.util.List;

/** A vocabulary and a scheme: special tokens are handled here, ordinary text by the scheme. */
record SchemeTokenizer(Vocabulary vocabulary, Scheme scheme) implements Tokenizer {
  @Override
  public int[] encode(String text) {
    var out = new IntList(text.length() / 3);
    encodeOrdinary(text, true, out);
    return out.toArray();
  }

  @Override
  public int[] encodeWithSpecials(String text, char guard) {
    var out = new IntList(text.length() / 3);
    SpecialMatcher specials = vocabulary.specialMatcher();
    int begin = 0;
    int i = 0;
    while (i < text.length()) {
      int match = specials.match(text, i);
      if (match < 0) {
        i++;
        continue;
      }
      int token = specials.token(match);
      int end = i;
      while (vocabulary.stripsLeft(token) && end > begin && isSpace(text.charAt(end - 1))) {
        end--;
      }
      encodeOrdinary(without(guard, text.substring(begin, end)), begin == 0, out);
      out.add(token);
      i += specials.length(match);
      while (vocabulary.stripsRight(token) && i < text.length() && isSpace(text.charAt(i))) {
        i++;
      }
      begin = i;
    }
    encodeOrdinary(without(guard, text.substring(begin)), begin == 0, out);
    return out.toArray();
  }

  /** White space of Unicode, all of it in the basic plane. */
  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  private static String without(char guard, String piece) {
    return piece.indexOf(guard) < 0 ? piece : piece.replace(String.valueOf(guard), "");
  }

  private void encodeOrdinary(String text, boolean first, IntList out) {
    if (!text.isEmpty()) {
      scheme.encode(wellFormed(text), first, out);
    }
  }

  /** The text with U+FFFD for each unpaired surrogate: what UTF-8 can hold. */
  private static String wellFormed(String text) {
    int i = firstUnpaired(text, 0);
    if (i == text.length()) {
      return text;
    }
    var mended = new StringBuilder(text);
    while (i < text.length()) {
      mended.setCharAt(i, '\uFFFD');
      i = firstUnpaired(text, i + 1);
    }
    return mended.toString();
  }

  private static int firstUnpaired(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        boolean paired =
            i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
        if (!paired) {
          return i;
        }
        i++;
      }
    }
    return text.length();
  }

  @Override
  public byte[] bytes(int token) {
    return scheme.bytes(token);
  }

  @Override
  public boolean dropsLeadingSpace() {
    return scheme.addsSpacePrefix();
  }

  @Override
  public int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public int bosToken() {
    return vocabulary.bos();
  }

  @Override
  public int eosToken() {
    return vocabulary.eos();
  }

  @Override
  public boolean addsBos() {
    return vocabulary.addsBos();
  }

  @Override
  public boolean addsEos() {
    return vocabulary.addsEos();
  }

  @Override
  public boolean isEndOfGeneration(int token) {
    return vocabulary.isEndOfGeneration(token);
  }

  @Override
  public boolean isSpecial(int token) {
    return vocabulary.isSpecial(token);
  }

  @Override
  public String tokenText(int token) {
    return vocabulary.text(token);
  }

  @Override
  public List<String> specialStrings() {
    return vocabulary.specialMatcher().strings();
  }

  @Override
  public String toString() {
    return scheme.getClass().getSimpleName() + " tokenizer of " + vocabSize() + " tokens";
  }
}
