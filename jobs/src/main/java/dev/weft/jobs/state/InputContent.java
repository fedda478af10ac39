package dev.weft.jobs.state;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;

/**
 * What the rows of the input were when they were read, in whatever order.
 *
 * @param rows their number
 * @param digest of all of them, hex
 */
public record InputContent(long rows, String digest) {

  /**
   * Checks that another start has read the same.
   *
   * @throws WeftException if it has not
   */
  public void requireSame(InputContent other, String runId) {
    if (!equals(other)) {
      throw new WeftException(
          ErrorCode.RUN_SETTINGS_DIFFER,
          "run %s computes something else%n  input content: the run has %s, this start %s"
              .formatted(runId, this, other));
    }
  }

  @Override
  public String toString() {
    return rows + " rows of digest " + digest;
  }
}
