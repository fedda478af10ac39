package dev.weft.kernels.model;

/**
 * A model file is malformed or not supported: says what, where in the file, and what to do. The
 * only exception that the content of a model file raises; a file that cannot be read at all raises
 * {@link java.io.IOException}.
 */
public final class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final int MAX_CHARS = 1000;

  /** The way out where the bytes of a file make no sense. */
  public static final String DAMAGED =
      "The file is damaged, cut off or made by a broken converter: download or convert it again.";

  /**
   * @param what what is wrong, e.g. {@code tensor output_norm.weight is missing}
   * @param where the file, and in it the byte offset, metadata key or tensor
   * @param fix what a person can do
   */
  public ModelFormatException(String what, String where, String fix) {
    super(shown(what) + " (in " + where + "). " + fix);
  }

  /** Names in broken files are of any length and hold anything; logs are lines. */
  private static String shown(String what) {
    String cut = what.length() <= MAX_CHARS ? what : what.substring(0, MAX_CHARS) + "...";
    return cut.codePoints()
        .map(c -> Character.isISOControl(c) || c >= 0xD800 && c <= 0xDFFF ? '\uFFFD' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
