package dev.weft.jobs.state;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;

/** Names of runs. They become names of folders, and must not lead out of the output. */
public final class RunIds {
  private static final String ALLOWED = "[A-Za-z0-9_][A-Za-z0-9._-]{0,119}";

  private RunIds() {}

  /**
   * The id, if it is a name.
   *
   * @throws WeftException if it is not
   */
  public static String checked(String runId) {
    if (!isValid(runId)) {
      throw new WeftException(
          ErrorCode.OPTION_INVALID,
          "\"%s\" is not a name of a run; use letters, digits, '.', '_' and '-', at most 120"
              .formatted(runId.replaceAll("\\p{Cntrl}", "?")));
    }
    return runId;
  }

  /** Whether a text can be a run's name. */
  static boolean isValid(String runId) {
    return runId.matches(ALLOWED);
  }
}
