package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineTotals;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkEnv;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines of this process: one for each specification, shared by all tasks. An engine that
 * nobody has used for a while is closed, and so is every engine when the process ends.
 */
public final class EnginePool {
  private static final Logger LOG = LoggerFactory.getLogger(EnginePool.class);

  private static final long IDLE_NANOS = 30_000_000_000L;

  private static final Map<EngineSpec, Shared> OPEN = new HashMap<>();
  private static Thread reaper;
  private static int hung;

  /** Whether one failed, and did not hang. */
  private static boolean broken;

  /** Whether this process is about to end. */
  private static volatile boolean leaving;

  private EnginePool() {}

  /** An engine with the number of those who use it. */
  private static final class Shared {
    final Engine engine;
    final String id = UUID.randomUUID().toString();

    /** Streams feed their requests one after the other, so that the planned order is kept. */
    final Semaphore feed = new Semaphore(1, true);

    boolean hangs;
    int users;
    long idleSince;

    Shared(Engine engine) {
      this.engine = engine;
    }
  }

  /** The right to use an engine until closed. */
  public static final class Lease implements AutoCloseable {
    private final EngineSpec spec;
    private final Shared shared;
    private final EngineTotals before;
    private boolean failed;
    private boolean closed;

    private Lease(EngineSpec spec, Shared shared) {
      this.spec = spec;
      this.shared = shared;
      this.before = shared.engine.totals();
    }

    /** The engine. */
    public Engine engine() {
      return shared.engine;
    }

    /** Names this engine among all engines ever opened. */
    public String engineId() {
      return shared.id;
    }

    /** What the engine had done when the lease began. */
    public EngineTotals before() {
      return before;
    }

    /** Waits until it is this lease's turn to feed requests. */
    void awaitTurn() throws InterruptedException {
      shared.feed.acquire();
    }

    /** Lets the next one feed. */
    void endTurn() {
      shared.feed.release();
    }

    /**
     * Says that the engine is broken: nobody gets it again.
     *
     * @param hung whether its thread and memory are lost
     */
    public void markFailed(boolean hung) {
      failed = true;
      EnginePool.markFailed(spec, shared, hung);
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        release(spec, shared, failed);
      }
    }
  }

  /**
   * An engine for this specification, opened if there is none.
   *
   * @throws WeftException if it cannot be opened
   */
  public static Lease acquire(EngineSpec spec, Configuration hadoop) {
    if (leaving) {
      // One attempt has said why. More that fail here at once would use up those of Spark.
      ExecutorExit.await();
      throw new WeftException(ErrorCode.ENGINE_BROKEN, "this executor exits");
    }
    return open(spec, hadoop);
  }

  private static synchronized Lease open(EngineSpec spec, Configuration hadoop) {
    Shared shared = OPEN.get(spec);
    if (shared == null) {
      closeIdle(Long.MIN_VALUE);
      // As many as it takes to find one request that is to blame.
      if (hung > spec.tries()) {
        throw leave(
            ErrorCode.ENGINE_HUNG,
            hung + " engines hang in this process, and no further one is opened",
            null);
      }
      var local = spec.model().local(hadoop);
      try {
        shared = new Shared(Engine.open(spec.config(local)));
      } catch (RuntimeException | OutOfMemoryError e) {
        ErrorCode code = EngineFaults.code(e);
        if (hung > 0 && code == ErrorCode.MEMORY_TOO_SMALL) {
          throw leave(
              ErrorCode.ENGINE_HUNG,
              "an engine hangs and holds its memory, and there is none for a second one: "
                  + e.getMessage(),
              e);
        }
        if (broken && code == ErrorCode.ENGINE_BROKEN && isExecutor()) {
          throw leave(
              code,
              "an engine failed in this process, and none can be opened after it: "
                  + e.getMessage(),
              e);
        }
        String where =
            code == ErrorCode.MEMORY_TOO_SMALL
                ? local.toString()
                : "backend %s, device %d".formatted(spec.backend(), spec.device());
        throw new WeftException(code, where + ": " + e.getMessage(), e);
      }
      OPEN.put(spec, shared);
      startReaper();
    }
    shared.users++;
    return new Lease(spec, shared);
  }

  /**
   * Gives this process up where an engine cannot be replaced: one that hangs, as only the end of
   * the process frees what it holds; or one that failed, as a GPU that had a fault serves a process
   * no more, but does the next one. An executor is started again by Spark; a driver is not ended,
   * its job fails.
   */
  private static WeftException leave(ErrorCode code, String why, Throwable cause) {
    LOG.error("{}; {}", why, isExecutor() ? "this executor exits" : "the job fails");
    if (isExecutor()) {
      leaving = true;
      ExecutorExit.soon();
    }
    return new WeftException(code, why, cause);
  }

  private static boolean isExecutor() {
    return SparkEnv.get() != null && !SparkEnv.get().executorId().equals("driver");
  }

  /** No engine begins another request; what runs is finished. */
  static synchronized void drain() {
    OPEN.values().forEach(shared -> shared.engine.drain());
  }

  private static synchronized void markFailed(EngineSpec spec, Shared shared, boolean hangs) {
    broken |= !hangs;
    if (hangs && !shared.hangs) {
      shared.hangs = true;
      hung++;
    }
    OPEN.remove(spec, shared);
  }

  /** Closes engines that nobody uses now. */
  public static synchronized void closeUnused() {
    closeIdle(Long.MIN_VALUE);
  }

  private static synchronized void release(EngineSpec spec, Shared shared, boolean failed) {
    shared.users--;
    shared.idleSince = System.nanoTime();
    if (failed) {
      OPEN.remove(spec, shared);
    }
    if (shared.users == 0 && !OPEN.containsValue(shared)) {
      shared.engine.close();
    }
  }

  private static void closeIdle(long idleNanos) {
    long now = System.nanoTime();
    OPEN.values()
        .removeIf(
            shared -> {
              boolean idle = shared.users == 0 && now - shared.idleSince >= idleNanos;
              if (idle) {
                shared.engine.close();
              }
              return idle;
            });
  }

  private static void startReaper() {
    if (reaper == null) {
      reaper =
          Thread.ofPlatform()
              .daemon(true)
              .name("weft-engine-reaper")
              .start(
                  () -> {
                    while (true) {
                      try {
                        Thread.sleep(5_000);
                      } catch (InterruptedException e) {
                        return;
                      }
                      synchronized (EnginePool.class) {
                        closeIdle(IDLE_NANOS);
                      }
                    }
                  });
      Runtime.getRuntime().addShutdownHook(new Thread(EnginePool::closeUnused));
    }
  }
}
