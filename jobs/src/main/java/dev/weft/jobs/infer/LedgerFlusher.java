package dev.weft.jobs.infer;

import dev.weft.jobs.ledger.LedgerWriter;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Writes old pieces while a task waits for the engine. */
final class LedgerFlusher implements AutoCloseable {
  private final AtomicReference<IOException> failure = new AtomicReference<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;

  LedgerFlusher(LedgerWriter... writers) {
    thread = Thread.ofVirtual().name("weft-ledger-flush").start(() -> run(writers));
  }

  private void run(LedgerWriter... writers) {
    try {
      while (!closed.await(500, TimeUnit.MILLISECONDS)) {
        for (LedgerWriter writer : writers) {
          writer.flushIfDue();
        }
      }
    } catch (IOException e) {
      failure.set(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void check() throws IOException {
    if (failure.get() != null) {
      throw failure.get();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
