package dev.weft.jobs.error;

import dev.weft.jobs.secret.Secrets;

/**
 * Stops a job with an error of the catalogue. The message says what is wrong and where; the code
 * says what to do. Secrets in the message are hidden.
 */
public final class WeftException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /** An error found by Weft itself. */
  public WeftException(ErrorCode code, String message) {
    super(Secrets.hide(message));
    this.code = code;
  }

  /** An error with what caused it. */
  public WeftException(ErrorCode code, String message, Throwable cause) {
    super(Secrets.hide(message), cause);
    this.code = code;
  }

  /** The exception itself, or the one of the catalogue that caused it: a failed task's, say. */
  public static Throwable within(Throwable e) {
    for (Throwable at = e; at != null; at = at.getCause() == at ? null : at.getCause()) {
      if (at instanceof WeftException) {
        return at;
      }
    }
    return e;
  }

  /** The error's place in the catalogue. */
  public ErrorCode code() {
    return code;
  }

  /** Code, message and hint, as people should see them. */
  public String explained() {
    return code + ": " + getMessage() + "\n  " + code.hint();
  }
}
