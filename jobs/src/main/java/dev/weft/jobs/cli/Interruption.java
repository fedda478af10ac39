package dev.weft.jobs.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * While it is open, a signal that ends the process (Ctrl-C) first interrupts the thread that opened
 * it and gives it time to clean up behind itself.
 */
final class Interruption implements AutoCloseable {
  private static final int CLEAN_UP_SECONDS = 10;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook;
  private volatile boolean requested;

  private Interruption(Thread worker) {
    hook =
        Thread.ofPlatform()
            .name("weft-interruption")
            .unstarted(
                () -> {
                  requested = true;
                  worker.interrupt();
                  await();
                });
  }

  /** Watches over the calling thread. */
  static Interruption ofThisThread() {
    Interruption interruption = new Interruption(Thread.currentThread());
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  /** Whether the process is asked to end. */
  boolean isRequested() {
    return requested;
  }

  private void await() {
    try {
      closed.await(CLEAN_UP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending: the hook runs, and has been told to wait no longer.
      requested = true;
    }
  }
}
