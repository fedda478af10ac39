package dev.weft.kernels.template;

import java.util.BitSet;

/**
 * A string that knows which of its characters came from a message's content. Every operation of the
 * template language keeps that knowledge, so that the guard can tell a template's own special token
 * from one a user wrote, however the template cut and joined the pieces. Immutable.
 *
 * <p>Positions are UTF-16 units; the language's own positions are code points, see {@link #length}.
 */
final class Text implements Value {
  private static final int[] NONE = {};
  static final Text EMPTY = new Text("", NONE);

  private final String chars;
  // Sorted, disjoint, non-adjacent [start, end) pairs of positions whose characters are a user's.
  private final int[] userSpans;

  Text(String chars, int[] userSpans) {
    this.chars = chars;
    this.userSpans = userSpans;
  }

  /** Text of the template or of the program. */
  static Text trusted(String chars) {
    return chars.isEmpty() ? EMPTY : new Text(chars, NONE);
  }

  /** Text of a user. */
  static Text user(String chars) {
    return chars.isEmpty() ? EMPTY : new Text(chars, new int[] {0, chars.length()});
  }

  String chars() {
    return chars;
  }

  int units() {
    return chars.length();
  }

  boolean isEmpty() {
    return chars.isEmpty();
  }

  boolean hasUserChars() {
    return userSpans.length > 0;
  }

  /** Position of the first user's character in [from, to), or -1. */
  int firstUser(int from, int to) {
    int i = firstSpanEndingAfter(from);
    if (i == userSpans.length) {
      return -1;
    }
    int position = Math.max(from, userSpans[i]);
    return position < to ? position : -1;
  }

  /** End of the run of characters of one origin that holds this position. */
  int runEnd(int position) {
    int i = firstSpanEndingAfter(position);
    if (i == userSpans.length) {
      return chars.length();
    }
    return position >= userSpans[i] ? userSpans[i + 1] : userSpans[i];
  }

  private int firstSpanEndingAfter(int position) {
    int low = 0;
    int high = userSpans.length / 2;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (userSpans[2 * middle + 1] > position) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return 2 * low;
  }

  Text slice(int from, int to) {
    if (from >= to) {
      return EMPTY;
    }
    if (from == 0 && to == chars.length()) {
      return this;
    }
    int first = firstSpanEndingAfter(from);
    int last = firstSpanEndingAfter(to);
    if (last < userSpans.length && userSpans[last] < to) {
      last += 2;
    }
    if (first == last) {
      return trusted(chars.substring(from, to));
    }
    int[] spans = new int[last - first];
    for (int i = first; i < last; i++) {
      spans[i - first] = Math.clamp(userSpans[i], from, to) - from;
    }
    return new Text(chars.substring(from, to), spans);
  }

  /** Length in code points. */
  int length() {
    return chars.codePointCount(0, chars.length());
  }

  /** Position of the code point with this index. */
  int positionOf(int codePointIndex) {
    return chars.offsetByCodePoints(0, codePointIndex);
  }

  Text strip(String charactersOrNull, boolean left, boolean right) {
    BitSet wanted = charactersOrNull == null ? null : new BitSet();
    if (wanted != null) {
      charactersOrNull.codePoints().forEach(wanted::set);
    }
    int from = 0;
    int to = chars.length();
    while (left && from < to) {
      int c = chars.codePointAt(from);
      if (!strips(c, wanted)) {
        break;
      }
      from += Character.charCount(c);
    }
    while (right && from < to) {
      int c = chars.codePointBefore(to);
      if (!strips(c, wanted)) {
        break;
      }
      to -= Character.charCount(c);
    }
    return slice(from, to);
  }

  private static boolean strips(int c, BitSet wantedOrNull) {
    return wantedOrNull == null ? isSpace(c) : wantedOrNull.get(c);
  }

  /** What Python calls white space. */
  static boolean isSpace(int c) {
    return c <= 0x20
        ? c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F)
        : c == 0x85 || c == 0xA0 || (c > 0xFF && Character.isSpaceChar(c));
  }

  /** What Python's splitlines splits at. */
  static boolean isLineBreak(char c) {
    return (c >= 0x0A && c <= 0x0D)
        || (c >= 0x1C && c <= 0x1E)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  @Override
  public String toString() {
    return chars;
  }
}
