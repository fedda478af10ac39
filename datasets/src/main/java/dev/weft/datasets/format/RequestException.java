package dev.weft.datasets.format;

/** A row is not a request. The message says what is wrong and in which field. */
public final class RequestException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RowProblem problem;
  private final String id;

  RequestException(RowProblem problem, String id, String message) {
    // Bad rows are an expected outcome and may be many: no stack trace.
    super(message, null, false, false);
    this.problem = problem;
    this.id = id;
  }

  /** What is wrong. */
  public RowProblem problem() {
    return problem;
  }

  /** The row's id if it could be read, else null. */
  public String id() {
    return id;
  }

  RequestException withId(String knownId) {
    return new RequestException(problem, knownId, getMessage());
  }
}
