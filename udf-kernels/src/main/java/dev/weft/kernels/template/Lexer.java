package dev.weft.kernels.template;

import dev.weft.kernels.template.Token.Type;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template's source into tokens, with white space around tags as Jinja2 treats it under
 * {@code trim_blocks} and {@code lstrip_blocks}, the settings all chat templates are written for.
 */
final class Lexer {
  private static final String[] LONG_OPERATORS = {"//", "**", "==", "!=", ">=", "<="};
  private static final int MAX_NAME_CHARS = 200;
  private static final String OPERATORS = "+-*/%~[](){}<>=.:|,";

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  // Whether what was read last ended a line, so that a tag that follows begins one.
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String source) {
    String text = source.replace("\r\n", "\n").replace('\r', '\n');
    if (text.endsWith("\n")) {
      text = text.substring(0, text.length() - 1);
    }
    Lexer lexer = new Lexer(text);
    lexer.readTemplate();
    return lexer.tokens;
  }

  private void readTemplate() {
    while (at < source.length()) {
      int begin = nextTag(at);
      if (begin < 0) {
        addData(source.substring(at));
        at = source.length();
        break;
      }
      char kind = source.charAt(begin + 1);
      int textStart = at;
      int bodyStart = begin + 2;
      char sign = charAt(bodyStart);
      if (sign == '-' || sign == '+') {
        bodyStart++;
      }
      addData(stripBeforeTag(source.substring(textStart, begin), sign, kind == '{'));
      line += newlines(textStart, begin);
      at = bodyStart;
      switch (kind) {
        case '#' -> skipComment();
        case '{' -> readTag(Type.OUTPUT_BEGIN, Type.OUTPUT_END, "}}");
        default -> {
          if (!readRaw()) {
            readTag(Type.BLOCK_BEGIN, Type.BLOCK_END, "%}");
          }
        }
      }
      lineStarting = source.charAt(at - 1) == '\n';
    }
    tokens.add(new Token(Type.END, "", line));
  }

  private int nextTag(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      char c = charAt(i + 1);
      if (c == '{' || c == '%' || c == '#') {
        return i;
      }
    }
    return -1;
  }

  private void addData(String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(Type.DATA, text, line));
    }
  }

  private String stripBeforeTag(String text, char sign, boolean output) {
    if (sign == '-') {
      return stripRight(text, 0);
    }
    if (sign == '+' || output) {
      return text;
    }
    int lineStart = text.lastIndexOf('\n') + 1;
    if (lineStart == 0 && !lineStarting) {
      return text;
    }
    return stripRight(text, lineStart).length() == lineStart ? text.substring(0, lineStart) : text;
  }

  private static String stripRight(String text, int from) {
    int end = text.length();
    while (end > from && Text.isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  private void skipComment() {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw error("the comment that begins here has no '#}'");
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    line += newlines(at, end);
    at = end + 2;
    afterTag(sign, true);
  }

  /** Skips what a tag's end takes with it. */
  private void afterTag(char sign, boolean trimsNewline) {
    if (sign == '-') {
      skipSpace();
    } else if (trimsNewline && sign != '+' && charAt(at) == '\n') {
      at++;
      line++;
    }
  }

  /** Reads {@code {% raw %}...{% endraw %}} if that is what stands here. */
  private boolean readRaw() {
    int[] begin = rawTag(at, "raw");
    if (begin == null) {
      return false;
    }
    line += newlines(at, begin[0]);
    at = begin[0];
    if (begin[1] == '-') {
      skipSpace();
    }
    lineStarting = source.charAt(at - 1) == '\n';
    for (int i = source.indexOf("{%", at); i >= 0; i = source.indexOf("{%", i + 2)) {
      char sign = charAt(i + 2);
      int[] end = rawTag(sign == '-' || sign == '+' ? i + 3 : i + 2, "endraw");
      if (end != null) {
        addData(stripBeforeTag(source.substring(at, i), sign, false));
        line += newlines(at, end[0]);
        at = end[0];
        afterTag((char) end[1], true);
        return true;
      }
    }
    throw error("{% raw %} has no {% endraw %}");
  }

  /** Position after a tag of just this word and the sign it ends with, or null. */
  private int[] rawTag(int from, String word) {
    int i = from;
    while (i < source.length() && Text.isSpace(source.charAt(i))) {
      i++;
    }
    if (!source.startsWith(word, i)) {
      return null;
    }
    i += word.length();
    while (i < source.length() && Text.isSpace(source.charAt(i))) {
      i++;
    }
    char sign = charAt(i);
    if (sign == '-' || sign == '+') {
      i++;
    }
    return source.startsWith("%}", i) ? new int[] {i + 2, sign} : null;
  }

  private void readTag(Type begin, Type end, String close) {
    tokens.add(new Token(begin, "", line));
    int beginLine = line;
    int brackets = 0;
    while (true) {
      skipSpace();
      if (at >= source.length()) {
        throw new Syntax(beginLine).error("the tag that begins here has no '" + close + "'");
      }
      char c = source.charAt(at);
      if (brackets == 0) {
        boolean signed = (c == '-' || (c == '+' && end == Type.BLOCK_END));
        if (source.startsWith(close, signed ? at + 1 : at)) {
          tokens.add(new Token(end, "", line));
          at += signed ? 3 : 2;
          afterTag(signed ? c : ' ', end == Type.BLOCK_END);
          return;
        }
      }
      if (c == '(' || c == '[' || c == '{') {
        brackets++;
      } else if ((c == ')' || c == ']' || c == '}') && --brackets < 0) {
        throw error("'" + c + "' closes nothing");
      }
      readToken(c);
    }
  }

  private void readToken(char c) {
    if (c == '\'' || c == '"') {
      readString(c);
    } else if (c >= '0' && c <= '9') {
      readNumber();
    } else if (c == '_' || Character.isUnicodeIdentifierStart(source.codePointAt(at))) {
      int start = at;
      while (at < source.length()
          && (charAt(at) == '_' || Character.isUnicodeIdentifierPart(source.codePointAt(at)))) {
        at += Character.charCount(source.codePointAt(at));
      }
      if (at - start > MAX_NAME_CHARS) {
        throw error("a name has more than " + MAX_NAME_CHARS + " characters");
      }
      tokens.add(new Token(Type.NAME, source.substring(start, at), line));
    } else {
      readOperator(c);
    }
  }

  private void readOperator(char c) {
    for (String operator : LONG_OPERATORS) {
      if (source.startsWith(operator, at)) {
        tokens.add(new Token(Type.OPERATOR, operator, line));
        at += 2;
        return;
      }
    }
    if (OPERATORS.indexOf(c) < 0) {
      throw error(
          "unexpected character " + (c < ' ' ? "U+%04X".formatted((int) c) : "'" + c + "'"));
    }
    tokens.add(new Token(Type.OPERATOR, String.valueOf(c), line));
    at++;
  }

  private void readNumber() {
    int start = at;
    boolean real = false;
    skipDigits();
    // In a.0.1 these are two items, not the number 0.1.
    boolean item = start > 0 && source.charAt(start - 1) == '.';
    if (!item && charAt(at) == '.' && isDigit(charAt(at + 1))) {
      real = true;
      at++;
      skipDigits();
    }
    char e = charAt(at);
    if (!item && (e == 'e' || e == 'E')) {
      char sign = charAt(at + 1);
      int digits = sign == '+' || sign == '-' ? at + 2 : at + 1;
      if (isDigit(charAt(digits))) {
        real = true;
        at = digits;
        skipDigits();
      }
    }
    String text = source.substring(start, at).replace("_", "");
    tokens.add(new Token(real ? Type.FLOAT : Type.INTEGER, text, line));
  }

  private void skipDigits() {
    while (isDigit(charAt(at)) || (charAt(at) == '_' && isDigit(charAt(at + 1)))) {
      at++;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private void readString(char quote) {
    int startLine = line;
    StringBuilder value = new StringBuilder();
    int i = at + 1;
    for (; ; i++) {
      char c = charAt(i);
      if (i >= source.length()) {
        throw error("the string that begins here has no end");
      }
      if (c == quote) {
        break;
      }
      if (c == '\\') {
        i = readEscape(i + 1, value);
      } else {
        value.append(c);
      }
    }
    line += newlines(at, i);
    at = i + 1;
    tokens.add(new Token(Type.STRING, value.toString(), startLine));
  }

  /** Reads the escape whose letter is at {@code i}, as Python does; returns its last position. */
  private int readEscape(int i, StringBuilder value) {
    char c = charAt(i);
    switch (c) {
      case '\n' -> {}
      case '\\', '\'', '"' -> value.append(c);
      case 'n' -> value.append('\n');
      case 't' -> value.append('\t');
      case 'r' -> value.append('\r');
      case 'a' -> value.append('\u0007');
      case 'b' -> value.append('\b');
      case 'f' -> value.append('\f');
      case 'v' -> value.append('\u000b');
      case 'x' -> {
        return readHex(i, 2, value);
      }
      case 'u' -> {
        return readHex(i, 4, value);
      }
      case 'U' -> {
        return readHex(i, 8, value);
      }
      case '0', '1', '2', '3', '4', '5', '6', '7' -> {
        int end = i;
        int code = 0;
        while (end < i + 3 && charAt(end) >= '0' && charAt(end) <= '7') {
          code = 8 * code + charAt(end++) - '0';
        }
        value.append((char) code);
        return end - 1;
      }
      default -> {
        value.append('\\');
        return i - 1;
      }
    }
    return i;
  }

  private int readHex(int i, int digits, StringBuilder value) {
    int code = 0;
    for (int k = 1; k <= digits; k++) {
      int digit = Character.digit(charAt(i + k), 16);
      if (digit < 0 || code > Character.MAX_CODE_POINT >> 4) {
        throw error("a '\\" + charAt(i) + "' escape needs " + digits + " hexadecimal digits");
      }
      code = 16 * code + digit;
    }
    if (code > Character.MAX_CODE_POINT) {
      throw error("there is no character U+" + Integer.toHexString(code));
    }
    value.appendCodePoint(code);
    return i + digits;
  }

  private void skipSpace() {
    while (at < source.length() && Text.isSpace(source.charAt(at))) {
      if (source.charAt(at++) == '\n') {
        line++;
      }
    }
  }

  /** The character there, or NUL beyond the end, which no rule takes for anything. */
  private char charAt(int i) {
    return i < source.length() ? source.charAt(i) : 0;
  }

  private int newlines(int from, int to) {
    int n = 0;
    for (int i = source.indexOf('\n', from, to); i >= 0; i = source.indexOf('\n', i + 1, to)) {
      n++;
    }
    return n;
  }

  private TemplateException error(String what) {
    return new Syntax(line).error(what);
  }
}
