package dev.weft.kernels.engine;

/**
 * The engine cannot go on, or a batch cannot be read. The message says what is wrong and what to
 * do.
 */
public final class EngineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What happened to the engine. */
  public enum Kind {
    /** It was closed, or was told something that it cannot do. */
    REFUSED,
    /** A step failed, whatever requests it held. */
    FAILED,
    /** There is not enough memory. */
    OUT_OF_MEMORY,
    /** A step did not end; its thread and memory are lost until it does. */
    HUNG
  }

  private final Kind kind;
  private final long[] rows;

  public EngineException(String message) {
    this(Kind.REFUSED, message, null, new long[0]);
  }

  public EngineException(String message, Throwable cause) {
    this(
        cause instanceof EngineException e ? e.kind : Kind.REFUSED,
        message,
        cause,
        cause instanceof EngineException e ? e.rows : new long[0]);
  }

  /**
   * @param rows {@code row} of the requests in the step that failed, each once for every sample
   */
  public EngineException(Kind kind, String message, Throwable cause, long[] rows) {
    super(message, cause);
    this.kind = kind;
    this.rows = rows.clone();
  }

  /** What happened to the engine. */
  public Kind kind() {
    return kind;
  }

  /** Requests that may be the reason: those of the step that failed. */
  public long[] rows() {
    return rows.clone();
  }
}
