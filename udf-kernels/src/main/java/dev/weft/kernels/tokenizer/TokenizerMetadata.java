package dev.weft.kernels.tokenizer;

/**
 * Where a tokenizer's vocabulary and settings come from: the {@code tokenizer.ggml.*} keys of a
 * model file. Reading a value that is missing, of another type or out of range throws the file
 * format's own exception, which names file and key.
 */
public interface TokenizerMetadata {
  /** Whether there is a value. */
  boolean contains(String key);

  /** A string that must be there. */
  String string(String key);

  /** An array of strings that must be there. */
  String[] strings(String key);

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
