package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Measures both ways through the weights with products of a matrix of its own, on one thread. The
 * ways take turns, every few calls, so that what slows the machine down slows down both; and they
 * do so until neither becomes faster and both are as fast as only compiled code is.
 */
final class WayTuner {
  /** Most tokens that are multiplied at once, on any machine. */
  static final int MOST = 4;

  /** A whole number of units of any width; with all columns, in the second-level cache. */
  private static final int ROWS = 384;

  private static final int COLUMNS = 512;
  private static final int CALLS = 3;
  private static final long WINDOW_NANOS = 4_000_000;
  private static final long SHORTEST_NANOS = 300_000_000;

  /** On a busy machine, compiling takes seconds. */
  private static final long LONGEST_NANOS = 10_000_000_000L;

  /**
   * Above, code is not compiled: vectors make ten multiply-adds in a nanosecond, interpreted or as
   * objects not one in ten.
   */
  private static final double COMPILED_NANOS = 2;

  private final PairedTimes[] times =
      Stream.generate(PairedTimes::new).limit(MOST).toArray(PairedTimes[]::new);

  private WayTuner() {}

  /**
   * Times of both ways for 1 to {@link #MOST} tokens.
   *
   * @param format one that multiplies rows
   * @return empty if times did not settle
   */
  static Optional<WayTimes> measure(QuantFormat format) {
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool("weft-tuning", 1)) {
      var budget = new MemoryBudget(Long.MAX_VALUE / 2);
      MemorySegment[] scratch = {arena.allocate(Matmul.SCRATCH_BYTES, Lanes.BYTES)};
      try (var weights = new VectorWeights(List.of(matrix(format, arena)), budget, pool)) {
        return new WayTuner().measure(new Matmul(pool, scratch), weights);
      }
    }
  }

  /** A matrix of zeros: products take the same time for any values. */
  private static Tensor matrix(QuantFormat format, Arena arena) {
    MemorySegment data = arena.allocate(ROWS * format.bytes(COLUMNS), Lanes.BYTES);
    return new Tensor("tuning", format, ROWS, COLUMNS, data);
  }

  private Optional<WayTimes> measure(Matmul matmul, VectorWeights weights) {
    var in = new HostActivations(MOST, COLUMNS);
    Arrays.fill(in.data(), 0.5f);
    var out = new HostActivations(MOST, weights.outputs());
    long start = System.nanoTime();
    long spent = 0;
    while (spent < LONGEST_NANOS) {
      for (int tokens = 1; tokens <= MOST; tokens++) {
        window(matmul, weights, in, tokens, out);
      }
      spent = System.nanoTime() - start;
      if (spent >= SHORTEST_NANOS && Stream.of(times).allMatch(PairedTimes::steady)) {
        PairedTimes.Pair[] pairs =
            Stream.of(times).map(PairedTimes::median).toArray(PairedTimes.Pair[]::new);
        if (compiled(pairs)) {
          return Optional.of(WayTimes.of(pairs));
        }
      }
    }
    return Optional.empty();
  }

  private void window(
      Matmul matmul, VectorWeights weights, HostActivations in, int tokens, HostActivations out) {
    long end = System.nanoTime() + WINDOW_NANOS;
    do {
      matmul.mostAtOnce(tokens);
      long atOnce = best(matmul, weights, in, tokens, out, end);
      matmul.mostAtOnce(0);
      long tiles = best(matmul, weights, in, tokens, out, end);
      times[tokens - 1].add(new PairedTimes.Pair(atOnce, tiles));
    } while (System.nanoTime() < end);
    times[tokens - 1].endWindow();
  }

  /** Best time of some calls after each other, of which the first one finds other things cached. */
  private static long best(
      Matmul matmul,
      VectorWeights weights,
      HostActivations in,
      int tokens,
      HostActivations out,
      long end) {
    long best = Long.MAX_VALUE;
    long before = System.nanoTime();
    int calls = 0;
    do {
      matmul.compute(weights, in, tokens, out);
      long after = System.nanoTime();
      best = Math.min(best, after - before);
      before = after;
    } while (++calls < CALLS && before < end);
    return best;
  }

  private static boolean compiled(PairedTimes.Pair[] pairs) {
    for (int i = 0; i < MOST; i++) {
      double most = COMPILED_NANOS * (i + 1) * ROWS * COLUMNS;
      if (Math.max(pairs[i].first(), pairs[i].second()) > most) {
        return false;
      }
    }
    return true;
  }
}
