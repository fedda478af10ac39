package dev.weft.kernels.template;

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

  private final List<String> specials;

  private SpecialTokenGuard(List<String> specials) {
    this.specials = specials;
  }

  /** Guards these strings. Empty ones are left out. */
  public static SpecialTokenGuard of(Collection<String> specials) {
    return new SpecialTokenGuard(specials.stream().filter(s -> !s.isEmpty()).distinct().toList());
  }

  /** Guards nothing; for text that goes to no tokenizer. */
  public static SpecialTokenGuard none() {
    return new SpecialTokenGuard(List.of());
  }

  List<String> specials() {
    return specials;
  }
}
