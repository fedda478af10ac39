package dev.weft.kernels.tokenizer;

/** Cuts one text into words by {@link WordRules}, left to right. */
final class WordScanner {
  private static final int NONE = 0;
  private static final int SPACE = 1;
  private static final int LETTER = 2;
  private static final int NUMBER = 3;
  private static final int OTHER = 4;
  private static final byte[] ASCII = new byte[128];

  static {
    for (int c = 0; c < 128; c++) {
      ASCII[c] = (byte) compute(c);
    }
  }

  private final String text;
  private final WordRules rules;
  private final PreTokenizer.Words words;

  /** End of the part that is being cut; what lies behind it cannot be seen. */
  private int end;

  WordScanner(String text, WordRules rules, PreTokenizer.Words words) {
    this.text = text;
    this.rules = rules;
    this.words = words;
  }

  void scan() {
    if (!rules.digitsFirst) {
      scan(0, text.length());
      return;
    }
    int begin = 0;
    int at = 0;
    while (at < text.length()) {
      int codePoint = text.codePointAt(at);
      int after = at + Character.charCount(codePoint);
      if (kind(codePoint) == NUMBER) {
        scan(begin, at);
        words.word(at, after);
        begin = after;
      }
      at = after;
    }
    scan(begin, at);
  }

  private void scan(int from, int to) {
    end = to;
    for (int at = from; at < to; ) {
      int next = word(at);
      words.word(at, next);
      at = next;
    }
  }

  /** The end of the word at {@code from}. */
  private int word(int from) {
    int next = contraction(from);
    if (next == from) {
      next = letters(from);
    }
    if (next == from) {
      next = numbers(from);
    }
    if (next == from) {
      next = punctuation(from);
    }
    return next == from ? spaces(from) : next;
  }

  private int contraction(int from) {
    if (text.charAt(from) != '\'' || from + 1 >= end) {
      return from;
    }
    char first = lower(text.charAt(from + 1));
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return from + 2;
    }
    if (from + 2 < end) {
      char second = lower(text.charAt(from + 2));
      if ((first == 'r' || first == 'v') && second == 'e' || first == 'l' && second == 'l') {
        return from + 3;
      }
    }
    return from;
  }

  private char lower(char c) {
    return rules.modern && c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
  }

  private int letters(int from) {
    int codePoint = text.codePointAt(from);
    int kind = kind(codePoint);
    int first = from;
    if (kind != LETTER) {
      boolean prefix =
          rules.modern
              ? kind != NUMBER && codePoint != '\r' && codePoint != '\n'
              : codePoint == ' ';
      first += Character.charCount(codePoint);
      if (!prefix || kindAt(first) != LETTER) {
        return from;
      }
    }
    return run(first, LETTER, Integer.MAX_VALUE);
  }

  private int numbers(int from) {
    int first = !rules.modern && text.charAt(from) == ' ' ? from + 1 : from;
    return kindAt(first) == NUMBER ? run(first, NUMBER, rules.maxDigits) : from;
  }

  private int punctuation(int from) {
    int first = text.charAt(from) == ' ' ? from + 1 : from;
    if (kindAt(first) != OTHER) {
      return from;
    }
    int at = run(first, OTHER, Integer.MAX_VALUE);
    while (rules.modern && at < end && isLineEnd(text.charAt(at))) {
      at++;
    }
    return at;
  }

  /** White space: up to the last line end, else all but the last before a word, else all. */
  private int spaces(int from) {
    int at = from;
    int afterLineEnd = from;
    while (kindAt(at) == SPACE) {
      // All white space lies in the basic plane.
      if (isLineEnd(text.charAt(at++))) {
        afterLineEnd = at;
      }
    }
    if (rules.modern && afterLineEnd > from) {
      return afterLineEnd;
    }
    return at == end || at == from + 1 ? at : at - 1;
  }

  private static boolean isLineEnd(char c) {
    return c == '\r' || c == '\n';
  }

  private int run(int from, int kind, int maxCount) {
    int at = from;
    for (int count = 0; count < maxCount && kindAt(at) == kind; count++) {
      at += Character.charCount(text.codePointAt(at));
    }
    return at;
  }

  private int kindAt(int at) {
    return at < end ? kind(text.codePointAt(at)) : NONE;
  }

  private static int kind(int codePoint) {
    return codePoint < 128 ? ASCII[codePoint] : compute(codePoint);
  }

  private static int compute(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          SPACE;
      default -> codePoint >= '\t' && codePoint <= '\r' || codePoint == 0x85 ? SPACE : OTHER;
    };
  }
}
