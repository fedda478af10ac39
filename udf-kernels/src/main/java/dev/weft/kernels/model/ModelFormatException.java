package dev.weft.kernels.model;

/**
 * A model file is malformed or not supported: says what, where in the file, and what to do. The
 * only exception that the content of a model file raises; a file that cannot be read at all raises
 * {@link java.io.IOException}.
 */
public final class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The way out where the bytes of a file make no sense. */
  public static final String DAMAGED =
      "The file is damaged, cut off or made by a broken converter: download or convert it again.";

  /**
   * @param what what is wrong, e.g. {@code tensor output_norm.weight is missing}
   * @param where the file, and in it the byte offset, metadata key or tensor
   * @param fix what a person can do
   */
  public ModelFormatException(String what, String where, String fix) {
    super(what + " (in " + where + "). " + fix);
  }
}
