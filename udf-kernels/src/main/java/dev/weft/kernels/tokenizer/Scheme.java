package dev.weft.kernels.tokenizer;

/** How ordinary text becomes tokens. */
sealed interface Scheme permits SentencePiece, BytePair {
  /**
   * Appends the tokens of a well-formed, non-empty text without special tokens.
   *
   * @param first whether the text is at the beginning, not behind a special token
   */
  void encode(String text, boolean first, IntList out);

  /** The bytes of text that a token stands for; a new array. */
  byte[] bytes(int token);

  /** Whether a space is put before each text. */
  boolean addsSpacePrefix();
}
