package dev.weft.kernels.tokenizer;

/** How ordinary text becomes tokens. */
sealed interface Scheme permits SentencePiece, BytePair {
  /** Appends the tokens of a well-formed, non-empty text without special tokens. */
  void encode(String text, IntList out);

  /** The bytes of text that a token stands for; the tokenizer's own array. */
  byte[] bytes(int token);

  /** Whether a space is put before each text. */
  boolean addsSpacePrefix();
}
