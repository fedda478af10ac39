package dev.weft.jobs.infer;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.util.ShutdownHookManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of this process, when it is asked to end or Spark takes it away: no further request is
 * begun, what runs gets some seconds to finish, the rest is handed back, and all that is finished
 * is in the ledger before storage is closed.
 */
public final class GracefulEnd {
  private static final Logger LOG = LoggerFactory.getLogger(GracefulEnd.class);

  /** Hadoop closes file systems at 10 and Spark ends at 40; higher goes first. */
  private static final int PRIORITY = 100;

  private static final int FLUSH_SECONDS = 10;

  private static final Set<Thread> TASKS = ConcurrentHashMap.newKeySet();
  private static volatile boolean ending;
  private static boolean registered;

  private GracefulEnd() {}

  /** Whether this process ends. */
  static boolean isEnding() {
    return ending;
  }

  /** A task that writes to the ledger runs in this thread until {@link #leave}. */
  static synchronized void enter(int drainSeconds) {
    TASKS.add(Thread.currentThread());
    if (!registered) {
      registered = true;
      ShutdownHookManager.get()
          .addShutdownHook(
              () -> end(drainSeconds),
              PRIORITY,
              drainSeconds + 2L * FLUSH_SECONDS,
              TimeUnit.SECONDS);
      Decommission.watch(() -> end(drainSeconds));
    }
  }

  static void leave() {
    TASKS.remove(Thread.currentThread());
  }

  /**
   * Ends all tasks of this process as gently as the seconds allow; returns when they have ended.
   */
  public static void end(int drainSeconds) {
    ending = true;
    if (TASKS.isEmpty()) {
      return;
    }
    LOG.warn(
        "this process ends: {} tasks finish what runs within {} s and hand back the rest",
        TASKS.size(),
        drainSeconds);
    EnginePool.drain();
    try {
      if (!await(drainSeconds)) {
        TASKS.forEach(Thread::interrupt);
        await(FLUSH_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean await(int seconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (!TASKS.isEmpty()) {
      if (System.nanoTime() - end >= 0) {
        return false;
      }
      Thread.sleep(20);
    }
    return true;
  }
}
