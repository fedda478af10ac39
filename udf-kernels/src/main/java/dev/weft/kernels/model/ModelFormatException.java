package dev.weft.kernels.model;

/** A model file is malformed or not supported: says what, where in the file, and what to do. */
public final class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** A message that names the file, the place and a way out. */
  public ModelFormatException(String message) {
    super(message);
  }

  /** As above, with the failure underneath. */
  public ModelFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
