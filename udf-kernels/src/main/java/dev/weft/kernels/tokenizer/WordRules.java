package dev.weft.kernels.tokenizer;

/**
 * What differs between the families of pre-tokenizers. {@code L}, {@code N} and {@code s} are
 * letters, numbers and white space.
 */
enum WordRules {
  /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?L+| ?N+| ?[^sLN]+|s+(?!S)|s+}. */
  GPT2(false, Integer.MAX_VALUE, false),
  /** {@code N} first, each alone, then {@link #GPT2} on what lies between. */
  GPT2_SINGLE_DIGITS(false, Integer.MAX_VALUE, true),
  /**
   * {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nLN]?L+|N{1,3}| ?[^sLN]+[\r\n]*|s*[\r\n]+|s+(?!S)|s+}.
   */
  LLAMA3(true, 3, false),
  /** {@link #LLAMA3} with {@code N} for {@code N{1,3}}. */
  QWEN2(true, 1, false);

  /** Contractions in any case, any prefix of letters, line ends after punctuation on their own. */
  final boolean modern;

  /** Longest word of numbers. */
  final int maxDigits;

  /** Whether numbers are cut out before all else. */
  final boolean digitsFirst;

  WordRules(boolean modern, int maxDigits, boolean digitsFirst) {
    this.modern = modern;
    this.maxDigits = maxDigits;
    this.digitsFirst = digitsFirst;
  }
}
