package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.kernel.MachineLimits;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.kernels.backend.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the machine can do at most: multiply-adds out of registers, and reads of memory that is far
 * larger than the caches. With the threads of the engines.
 */
final class Limits implements AutoCloseable {
  static final String FMA = "limit.fma";
  static final String READ = "limit.read";

  private static final long READ_BYTES = 256L << 20;
  private static final int FMA_ROUNDS = 16;
  private static final int PARTS_PER_THREAD = 8;

  private final Arena arena = Arena.ofShared();
  private final WorkerPool pool;
  private final MemorySegment memory;

  /** Keeps the results of the loops alive. */
  private volatile double sink;

  Limits(int threads) {
    pool = new WorkerPool("limits", threads);
    memory = arena.allocate(READ_BYTES, 64);
    // Pages that were never written are all the same one, which a cache holds.
    memory.fill((byte) 1);
  }

  /** Floating-point operations per second; a multiply-add is two. */
  double fma() {
    int parts = pool.threads() * PARTS_PER_THREAD;
    long start = System.nanoTime();
    for (int i = 0; i < FMA_ROUNDS; i++) {
      pool.forEach(parts, (chunk, worker) -> sink += MachineLimits.fma(chunk));
    }
    return 2 * MachineLimits.fmaCount() * parts * FMA_ROUNDS / Rounds.secondsSince(start);
  }

  /** Bytes per second. */
  double read() {
    int parts = pool.threads() * PARTS_PER_THREAD;
    long part = READ_BYTES / parts;
    long start = System.nanoTime();
    pool.forEach(
        parts,
        (chunk, worker) -> sink += MachineLimits.read(memory, chunk * part, (chunk + 1) * part));
    return READ_BYTES / Rounds.secondsSince(start);
  }

  /** Adds both to measures that are compared with them. */
  Rounds addTo(Rounds rounds) {
    return rounds.add(FMA, this::fma).add(READ, this::read);
  }

  @Override
  public void close() {
    pool.close();
    arena.close();
  }
}
