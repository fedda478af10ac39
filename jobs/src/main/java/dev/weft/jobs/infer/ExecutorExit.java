package dev.weft.jobs.infer;

/** Ends this executor, which can go on in no other way; Spark starts another. */
final class ExecutorExit {
  /** Time for its tasks to hear of their engine's end and to write what they have. */
  private static final long DELAY_MILLIS = 3_000;

  private ExecutorExit() {}

  /** Waits for the end, or for the caller's task to be stopped. */
  static void await() {
    try {
      Thread.sleep(10 * DELAY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns at once. */
  static void soon() {
    Thread.ofPlatform()
        .daemon(true)
        .name("weft-exit")
        .start(
            () -> {
              try {
                Thread.sleep(DELAY_MILLIS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              System.exit(1);
            });
  }
}
