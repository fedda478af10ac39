package dev.weft.kernels.template;

import java.util.BitSet;
import java.util.Collection;
import java.util.List;

/**
 * Keeps text of users from becoming special tokens.
 *
 * <p>A rendered conversation is one string in which the template's own special tokens and the
 * users' text lie side by side. The guard puts {@link #MARK} into every special-token string that
 * holds a character of a message's content, wherever the template has cut or joined it, so that a
 * tokenizer that maps special strings to tokens and drops marks from ordinary text sees the
 * template's tokens and nobody else's. A special string of a single character has no inside and is
 * replaced by U+FFFD.
 */
public final class SpecialTokenGuard {
  /** A noncharacter of Unicode: never in well-formed text for interchange. */
  public static final char MARK = '\uFDD0';

  private static final int MAX_SPECIAL_CHARS = 4096;

  // Sorted, so that those a text may begin with are a range that narrows with every character.
  private final String[] specials;
  private final BitSet firsts = new BitSet();

  private SpecialTokenGuard(String[] specials) {
    this.specials = specials;
    for (String special : specials) {
      firsts.set(special.charAt(0));
    }
  }

  /**
   * Guards these strings. Empty ones are left out.
   *
   * @throws TemplateException if one is absurdly long
   */
  public static SpecialTokenGuard of(Collection<String> specials) {
    for (String special : specials) {
      if (special.length() > MAX_SPECIAL_CHARS) {
        throw new TemplateException(
            TemplateException.Kind.LIMIT,
            0,
            "the model has a special token of " + special.length() + " characters",
            "At most " + MAX_SPECIAL_CHARS + " are taken; check the model file's vocabulary");
      }
    }
    return new SpecialTokenGuard(
        specials.stream().filter(s -> !s.isEmpty()).distinct().sorted().toArray(String[]::new));
  }

  /** Guards nothing; for text that goes to no tokenizer. */
  public static SpecialTokenGuard none() {
    return of(List.of());
  }

  /** The text's characters, with a mark in every special string a user's character is part of. */
  String apply(Text text) {
    String chars = text.chars();
    BitSet marksBefore = new BitSet();
    BitSet replaced = new BitSet();
    if (text.hasUserChars()) {
      for (int i = 0; i < chars.length(); i++) {
        if (firsts.get(chars.charAt(i))) {
          breakUpAt(text, i, marksBefore, replaced);
        }
      }
    }
    return marksBefore.isEmpty() && replaced.isEmpty()
        ? chars
        : write(chars, marksBefore, replaced);
  }

  private void breakUpAt(Text text, int from, BitSet marksBefore, BitSet replaced) {
    String chars = text.chars();
    int low = 0;
    int high = specials.length;
    for (int k = 0; low < high; k++) {
      // All in [low, high) begin with the k characters at this place; the shortest comes first.
      if (specials[low].length() == k) {
        breakUp(text, from, from + k, marksBefore, replaced);
        low++;
      }
      if (from + k == chars.length()) {
        return;
      }
      char c = chars.charAt(from + k);
      low = firstNotBelow(c, k, low, high);
      high = c == Character.MAX_VALUE ? high : firstNotBelow((char) (c + 1), k, low, high);
    }
  }

  /** First of [low, high) whose k-th character is not below another. */
  private int firstNotBelow(char c, int k, int low, int high) {
    int from = low;
    int to = high;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (specials[middle].charAt(k) < c) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  private static void breakUp(Text text, int from, int to, BitSet marksBefore, BitSet replaced) {
    int user = text.firstUser(from, to);
    if (user < 0) {
      return;
    }
    int marked = marksBefore.nextSetBit(from + 1);
    if (marked >= 0 && marked < to) {
      return;
    }
    // A border with a user's character on one side is never within a token of the template alone.
    int inside = user > from ? user : text.chars().offsetByCodePoints(from, 1);
    if (inside < to) {
      marksBefore.set(inside);
    } else {
      replaced.set(from);
    }
  }

  private static String write(String chars, BitSet marksBefore, BitSet replaced) {
    StringBuilder out = new StringBuilder(chars.length() + marksBefore.cardinality());
    for (int i = 0; i < chars.length(); ) {
      if (marksBefore.get(i)) {
        out.append(MARK);
      }
      int end = replaced.get(i) ? chars.offsetByCodePoints(i, 1) : i + 1;
      out.append(replaced.get(i) ? "\uFFFD" : chars.substring(i, end));
      i = end;
    }
    return out.toString();
  }
}
