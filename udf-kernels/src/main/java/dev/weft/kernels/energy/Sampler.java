package dev.weft.kernels.energy;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Calls something again and again on a thread of its own until it is closed. */
final class Sampler implements AutoCloseable {
  private final Thread thread;
  private volatile boolean closed;

  Sampler(String name, Duration interval, Runnable sample) {
    thread =
        Thread.ofPlatform()
            .daemon()
            .name(name)
            .start(
                () -> {
                  LockSupport.parkNanos(interval.toNanos());
                  while (!closed) {
                    sample.run();
                    LockSupport.parkNanos(interval.toNanos());
                  }
                });
  }

  /** Stops the thread; no call runs any more when this returns. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
