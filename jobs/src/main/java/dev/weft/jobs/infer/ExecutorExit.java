package dev.weft.jobs.infer;

/** Ends this executor, whose memory cannot be had back in another way; Spark starts another. */
final class ExecutorExit {
  /** Time for its tasks to hear of their engine's end and to write what they have. */
  private static final long DELAY_MILLIS = 3_000;

  private ExecutorExit() {}

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
