package dev.weft.jobs.infer;

import java.util.HashMap;
import java.util.Map;

/**
 * How often each request was in flight when an engine, or the process around it, was lost. What was
 * lost often is given out more carefully: read ahead little, then alone, then not at all.
 */
final class Losses {
  private final int tries;
  private final Map<Long, Integer> counts = new HashMap<>();

  /** How a request is run. */
  enum Care {
    /** With all others. */
    NONE,
    /** With few others that are read ahead, so that a further loss blames few. */
    LITTLE_AHEAD,
    /** One at a time. */
    ALONE,
    /** Not any more: it becomes an error row. */
    GIVE_UP
  }

  /**
   * @param tries losses after which a request is given up, the last of them alone
   */
  Losses(int tries) {
    this.tries = tries;
  }

  /** The request was in flight in one more loss. */
  void add(long rowKey) {
    counts.merge(rowKey, 1, Integer::sum);
  }

  int of(long rowKey) {
    return counts.getOrDefault(rowKey, 0);
  }

  Care care(long rowKey) {
    int lost = of(rowKey);
    if (lost >= tries) {
      return Care.GIVE_UP;
    }
    if (lost == 0) {
      return Care.NONE;
    }
    return lost == tries - 1 ? Care.ALONE : Care.LITTLE_AHEAD;
  }
}
