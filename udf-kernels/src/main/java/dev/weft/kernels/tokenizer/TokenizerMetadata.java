package dev.weft.kernels.tokenizer;

/**
 * Where a tokenizer's vocabulary and settings come from: the {@code tokenizer.ggml.*} keys of a
 * model file, and for what GGUF has no key, those below. Reading a value that is missing, of
 * another type or out of range throws the file format's own exception, which names file and key.
 */
public interface TokenizerMetadata {
  /** Boolean: roles that are not named are not there, whatever the scheme's usual ids. */
  String EXPLICIT_ROLES = "weft.tokenizer.explicit_roles";

  /** Token ids that end an answer, beside those that GGUF names. */
  String END_OF_GENERATION = "weft.tokenizer.end_of_generation";

  /** Special tokens that swallow white space before them. */
  String STRIP_LEFT = "weft.tokenizer.strip_left";

  /** Special tokens that swallow white space after them. */
  String STRIP_RIGHT = "weft.tokenizer.strip_right";

  /** Boolean: text is brought to Unicode form NFC before it is cut into words. */
  String NFC = "weft.tokenizer.nfc";

  /** Boolean: a word that is a token becomes it without regard to merges. */
  String IGNORE_MERGES = "weft.tokenizer.ignore_merges";

  /** Boolean: runs of spaces become one, those at both ends none. */
  String REMOVE_EXTRA_SPACES = "weft.tokenizer.remove_extra_spaces";

  /** Boolean: only the piece at the beginning of a text gets the space prefix. */
  String SPACE_PREFIX_ONCE = "weft.tokenizer.space_prefix_once";

  /** Whether there is a value. */
  boolean contains(String key);

  /** A string that must be there. */
  String string(String key);

  /** An array of at most {@code maxCount} strings that must be there. */
  ByteStrings strings(String key, int maxCount);

  /** An array of 32-bit floats that must be there. */
  float[] floats(String key);

  /** An array of integers, each within {@code min .. max}, that must be there. */
  int[] integers(String key, int min, int max);

  /** An integer that may be there, within {@code min .. max} if so. */
  int integer(String key, int min, int max, int defaultValue);

  /** A boolean that may be there. */
  boolean bool(String key, boolean defaultValue);

  /**
   * The exception for a value that is broken.
   *
   * @param what how the value is wrong; the message begins with the key
   */
  RuntimeException wrong(String key, String what);

  /**
   * The exception for a value that is sound but not supported.
   *
   * @param supported what is
   */
  RuntimeException unsupported(String key, String value, String supported);
}
