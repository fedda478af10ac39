package dev.weft.kernels.backend;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that share the chunks of one job after the other. The caller works too. Idle workers spin
 * shortly, since the next job mostly follows within microseconds, and then park, so that other
 * processes get the cores. A worker that the system has put aside holds nothing up: the others take
 * its chunks. Running a job allocates nothing.
 *
 * <p>One thread calls {@link #forEach} at a time.
 */
public final class WorkerPool implements AutoCloseable {
  /** One job: {@code chunks} independent pieces. */
  public interface Job {
    /**
     * @param chunk from 0 on
     * @param worker below {@link WorkerPool#threads}; never two at a time with the same number
     */
    void run(int chunk, int worker);
  }

  private static final long SPIN_NANOS = 30_000;
  private static final long PARK_NANOS = 50_000_000;

  /** How often each thread would take a part, if all took as much as the first. */
  private static final int TAKES = 4;

  private final Thread[] helpers;

  /** 1 where a helper sleeps or is about to. */
  private final AtomicIntegerArray parked;

  /** Generation of the job in the high half, chunks not yet taken in the low half. */
  private final AtomicLong open = new AtomicLong();

  private final AtomicInteger done = new AtomicInteger();
  private volatile Throwable failure;
  private volatile boolean closed;
  private Job job;
  private int chunks;

  /** A thread takes one of so many parts of the chunks that are left. */
  private int share;

  public WorkerPool(String name, int threads) {
    helpers = new Thread[threads - 1];
    parked = new AtomicIntegerArray(threads - 1);
    for (int i = 0; i < helpers.length; i++) {
      int index = i;
      helpers[i] =
          Thread.ofPlatform().daemon(true).name(name + "-" + (i + 1)).unstarted(() -> help(index));
      helpers[i].start();
    }
  }

  public int threads() {
    return helpers.length + 1;
  }

  /** Runs all chunks and returns when the last one is done. */
  public void forEach(int count, Job work) {
    run(count, Integer.MAX_VALUE, work);
  }

  /**
   * The same for chunks that take alike long and may be short: a thread takes several neighbours at
   * a time, fewer as there are fewer left, so that threads meet less often at what counts them and
   * at what neighbours share.
   */
  public void forEachAlike(int count, Job work) {
    run(count, TAKES * threads(), work);
  }

  private void run(int count, int parts, Job work) {
    if (count <= 1 || helpers.length == 0) {
      for (int chunk = 0; chunk < count; chunk++) {
        work.run(chunk, 0);
      }
      return;
    }
    job = work;
    chunks = count;
    share = parts;
    done.set(0);
    long generation = (open.get() >>> 32) + 1;
    open.set(generation << 32 | count);
    for (int i = 0; i < helpers.length; i++) {
      if (parked.get(i) == 1) {
        LockSupport.unpark(helpers[i]);
      }
    }
    takeChunks(0);
    long spinUntil = System.nanoTime() + SPIN_NANOS;
    while (done.get() < count) {
      if (System.nanoTime() < spinUntil) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    job = null;
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      throw new IllegalStateException("a kernel failed: " + thrown, thrown);
    }
  }

  /**
   * Takes chunks until none is left. {@code job} and what belongs to it are read before a chunk is
   * taken: they change only when all chunks of their generation are done, and then taking fails.
   */
  private boolean takeChunks(int worker) {
    boolean any = false;
    while (true) {
      long state = open.get();
      int left = (int) state;
      if (left == 0) {
        return any;
      }
      Job current = job;
      int first = chunks - left;
      int taken = Math.max(1, left / share);
      if (!open.compareAndSet(state, state - taken)) {
        continue;
      }
      any = true;
      try {
        for (int chunk = first; chunk < first + taken; chunk++) {
          current.run(chunk, worker);
        }
      } catch (Throwable thrown) {
        failure = thrown;
      } finally {
        done.addAndGet(taken);
      }
    }
  }

  private void help(int index) {
    long idleSince = System.nanoTime();
    while (!closed) {
      if (takeChunks(index + 1)) {
        idleSince = System.nanoTime();
      } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
        Thread.onSpinWait();
      } else {
        parked.set(index, 1);
        if ((int) open.get() == 0 && !closed) {
          LockSupport.parkNanos(this, PARK_NANOS);
        }
        parked.set(index, 0);
        idleSince = System.nanoTime();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
    boolean interrupted = false;
    for (Thread helper : helpers) {
      try {
        helper.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
