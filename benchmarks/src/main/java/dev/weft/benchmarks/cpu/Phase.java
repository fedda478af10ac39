package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.PeerException;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs a part of the benchmark in a thread of its own, which ends with it. llama.cpp's OpenMP keeps
 * a team of threads for every thread that ever called it; while there are more of them than cores,
 * all sleep at each barrier instead of spinning, and llama.cpp takes twice to five times as long.
 */
final class Phase {
  interface Work<T> {
    T run() throws IOException, PeerException, InterruptedException;
  }

  private Phase() {}

  static <T> T run(Work<T> work) throws IOException, PeerException, InterruptedException {
    FutureTask<T> task = new FutureTask<>(work::run);
    Thread thread = Thread.ofPlatform().name("phase").start(task);
    thread.join();
    try {
      return task.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case PeerException peer -> throw peer;
        case InterruptedException interrupted -> throw interrupted;
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }
}
