package dev.weft.kernels.tokenizer;

import java.util.List;

/**
 * Text to token ids and back. Immutable and safe for many threads.
 *
 * <p>Strings of special tokens in the text of users never become special tokens: {@link #encode}
 * knows no special tokens, and {@link #encodeWithSpecials} leaves those alone that hold a guard.
 */
public interface Tokenizer {
  /** Number of token ids; ids are {@code 0 .. vocabSize() - 1}. */
  int vocabSize();

  /** Token that begins a text, or -1. */
  int bosToken();

  /** Token that ends a text, or -1. */
  int eosToken();

  /** Whether the model expects {@link #bosToken()} before a text. */
  boolean addsBos();

  /** Whether the model expects {@link #eosToken()} after a text. */
  boolean addsEos();

  /** Whether an answer ends with this token: end of text, of turn or of message. */
  boolean isEndOfGeneration(int token);

  /** Whether a token is a control, unknown or unused one: it is not part of the text. */
  boolean isSpecial(int token);

  /** The token's own string, as templates name it, e.g. {@code <s>}. */
  String tokenText(int token);

  /**
   * Encodes ordinary text. Strings of special tokens inside it stay ordinary text; no begin or end
   * token is added. Unpaired surrogates become U+FFFD.
   */
  int[] encode(String text);

  /**
   * Encodes the output of a template: strings of control and user-defined tokens become those
   * tokens, the rest is encoded as ordinary text.
   *
   * @param guard a noncharacter such as U+FDD0 inside special-token strings that came from users:
   *     it breaks the match and is then removed
   */
  int[] encodeWithSpecials(String text, char guard);

  /**
   * Strings that {@link #encodeWithSpecials} turns into tokens: those that a template's guard must
   * keep out of user text.
   */
  List<String> specialStrings();

  /**
   * The bytes of UTF-8 text a token stands for; empty for special tokens. A token may be a part of
   * a character. The array is the caller's own.
   */
  byte[] bytes(int token);

  /**
   * Whether decoding drops one leading space of a text: encoding put it there (SentencePiece's
   * dummy prefix).
   */
  boolean dropsLeadingSpace();

  /** The text of tokens: their bytes as UTF-8, invalid bytes as U+FFFD, special tokens left out. */
  default String decode(int... tokens) {
    var decoder = new StreamingDecoder(this, dropsLeadingSpace());
    var text = new StringBuilder();
    for (int token : tokens) {
      text.append(decoder.accept(token));
    }
    return text.append(decoder.finish()).toString();
  }
}
