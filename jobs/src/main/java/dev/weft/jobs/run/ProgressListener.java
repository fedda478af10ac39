package dev.weft.jobs.run;

/**
 * Hears how a job goes on. Calls come from one thread of the driver, at most a few each second;
 * {@link #warning} may come from any thread. An implementation must return quickly and not throw.
 */
public interface ProgressListener {

  /** A stage begins. */
  default void stageStarted(Stage stage) {}

  /** A stage ended after {@code seconds}. */
  default void stageFinished(Stage stage, double seconds) {}

  /** The state of the inference stage (also of the sample that is run first). */
  default void progress(Progress progress) {}

  /**
   * How far planning is.
   *
   * @param what is being done, for example {@code order} or {@code simulate dfs}
   * @param done part of the planning that is done, 0 to 1
   */
  default void planning(String what, double done) {}

  /**
   * Something the user should know: a fallback, an estimate in place of a measurement, rows that
   * failed.
   */
  default void warning(String message) {}

  /** A listener that ignores everything. */
  static ProgressListener none() {
    return new ProgressListener() {};
  }
}
