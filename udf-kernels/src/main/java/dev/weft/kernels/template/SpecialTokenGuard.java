package dev.weft.kernels.template;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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

  private final Map<Character, List<String>> specialsByFirst;
  private final BitSet firsts = new BitSet();

  private SpecialTokenGuard(Map<Character, List<String>> specialsByFirst) {
    this.specialsByFirst = specialsByFirst;
    specialsByFirst.keySet().forEach(firsts::set);
  }

  /** Guards these strings. Empty ones are left out. */
  public static SpecialTokenGuard of(Collection<String> specials) {
    Map<Character, List<String>> byFirst = new HashMap<>();
    for (String special : specials) {
      if (!special.isEmpty()) {
        byFirst.computeIfAbsent(special.charAt(0), _ -> new ArrayList<>()).add(special);
      }
    }
    return new SpecialTokenGuard(byFirst);
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
        if (!firsts.get(chars.charAt(i))) {
          continue;
        }
        for (String special : specialsByFirst.get(chars.charAt(i))) {
          if (chars.startsWith(special, i)) {
            breakUp(text, i, i + special.length(), marksBefore, replaced);
          }
        }
      }
    }
    return marksBefore.isEmpty() && replaced.isEmpty()
        ? chars
        : write(chars, marksBefore, replaced);
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
