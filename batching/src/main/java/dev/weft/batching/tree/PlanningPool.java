package dev.weft.batching.tree;

import dev.weft.batching.request.PlanningInterruptedException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.RecursiveAction;

/**
 * Runs a recursive computation on a given number of threads and waits for it. When the waiting
 * thread is interrupted, all workers stop at their next {@link #check}, and only then the wait ends
 * with {@link PlanningInterruptedException}.
 */
final class PlanningPool {
  private final int threads;
  private volatile boolean stopped;

  PlanningPool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("planning needs at least 1 thread, got " + threads);
    }
    this.threads = threads;
  }

  int threads() {
    return threads;
  }

  /** Runs the computation; with one thread on the caller. */
  void run(Runnable computation) {
    if (threads == 1) {
      computation.run();
      return;
    }
    try (ForkJoinPool pool = new ForkJoinPool(threads)) {
      ForkJoinTask<?> task = pool.submit(computation);
      try {
        task.get();
      } catch (InterruptedException e) {
        stopped = true;
        task.quietlyJoin();
        Thread.currentThread().interrupt();
        PlanningInterruptedException.check();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof Error error) {
          throw error;
        }
        throw new IllegalStateException("planning failed: " + e.getCause(), e.getCause());
      }
    }
  }

  /** Runs two parts of a running computation, at the same time if there are threads for it. */
  void both(Runnable first, Runnable second) {
    if (threads == 1) {
      first.run();
      second.run();
    } else {
      ForkJoinTask.invokeAll(new Part(first), new Part(second));
    }
  }

  /** Runs the body over {@code [from, to)} in ranges of at most {@code grain}. */
  void forRanges(int from, int to, int grain, Range body) {
    if (to - from <= grain) {
      check();
      body.run(from, to);
    } else {
      int middle = (from + to) >>> 1;
      both(() -> forRanges(from, middle, grain, body), () -> forRanges(middle, to, grain, body));
    }
  }

  /** Something to do for all {@code from <= i < to}. */
  interface Range {
    void run(int from, int to);
  }

  /** Ends the computation of the calling worker if it is to stop. Called inside long loops. */
  void check() {
    if (stopped) {
      throw new CancellationException("planning was interrupted");
    }
    if (threads == 1) {
      PlanningInterruptedException.check();
    }
  }

  private static final class Part extends RecursiveAction {
    private static final long serialVersionUID = 1;
    private final transient Runnable part;

    private Part(Runnable part) {
      this.part = part;
    }

    @Override
    protected void compute() {
      part.run();
    }
  }
}
