package dev.weft.kernels.engine;

/**
 * The engine cannot go on, or a batch cannot be read. The message says what is wrong and what to
 * do.
 */
public final class EngineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public EngineException(String message) {
    super(message);
  }

  public EngineException(String message, Throwable cause) {
    super(message, cause);
  }
}
