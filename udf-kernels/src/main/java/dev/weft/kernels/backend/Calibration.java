package dev.weft.kernels.backend;

import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Sustained rates of a backend on the device at hand, for a cost model.
 *
 * @param flopsPerSecond of products of {@value #COMPUTE_ROWS} tokens with a matrix of the model, 2
 *     per multiply-add
 * @param bytesPerSecond of keys and values that the attention of single tokens reads
 * @param overlap {@code w = (C + M - T) / min(C, M)} in 0..1: {@code C} and {@code M} are the
 *     seconds of the two alone, {@code T} those of both in one step, as the forward pass runs them
 * @param sharedReadGroup how many times as long attention takes where every sequence has pages of
 *     its own as where all have the same, rounded; 1 or more
 * @param method how it was measured, for reports
 */
public record Calibration(
    double flopsPerSecond,
    double bytesPerSecond,
    double overlap,
    int sharedReadGroup,
    String method) {
  private static final int COMPUTE_ROWS = 128;
  private static final int CONTEXT = 512;

  /** Larger than the caches of two cores. */
  private static final long KV_BYTES = 64L << 20;

  private static final int MOST_SHARED = 64;
  static final int ROUNDS = 15;
  private static final long WARM_UP_NANOS = 500_000_000L;

  /**
   * Measures for one to two seconds.
   *
   * @param matrix a matrix of the model in its usual format, e.g. a feed-forward gate
   */
  public static Calibration measure(Backend backend, TransformerSpec spec, Tensor matrix) {
    var layout = new KvLayout(1, spec.kvHeads(), spec.headDim());
    int pagesEach = CONTEXT / KvConfig.PAGE_TOKENS;
    int sequences = Math.clamp(KV_BYTES / layout.bytesPerPage() / pagesEach, 4, 512);
    int width = spec.attentionWidth();
    var shape =
        new AttentionShape(
            spec.heads(),
            spec.kvHeads(),
            spec.headDim(),
            0,
            0,
            0,
            (float) (1 / Math.sqrt(spec.headDim())));
    var tokens = new RaggedTokens();
    var sharing = new RaggedTokens();
    for (int s = 0; s < sequences; s++) {
      int first = s * pagesEach;
      tokens.beginSequence(IntStream.range(first, first + pagesEach).toArray());
      tokens.addToken(CONTEXT - 1);
      sharing.beginSequence(IntStream.range(0, pagesEach).toArray());
      sharing.addToken(CONTEXT - 1);
    }
    try (Weights weights = backend.prepare(List.of(matrix));
        KvCache kv = backend.openKv(layout, new KvConfig(sequences * pagesEach))) {
      Activations in = backend.allocate(COMPUTE_ROWS, matrix.columns());
      Activations out = backend.allocate(COMPUTE_ROWS, weights.outputs());
      Activations queries = backend.allocate(sequences, width);
      Activations attended = backend.allocate(sequences, width);
      touch(backend, spec, shape, kv, sequences, pagesEach);
      Runnable compute = () -> backend.matmul(weights, in, COMPUTE_ROWS, out);
      Runnable memory = () -> backend.attention(queries, shape, tokens, kv, 0, attended);
      Runnable shared = () -> backend.attention(queries, shape, sharing, kv, 0, attended);
      warmUp(backend, compute);
      warmUp(backend, memory);
      warmUp(backend, shared);
      double[] c = new double[ROUNDS];
      double[] m = new double[ROUNDS];
      double[] one = new double[ROUNDS];
      double[] both = new double[ROUNDS];
      int repeats =
          Math.clamp(Math.round(seconds(backend, memory) / seconds(backend, compute)), 1, 1000);
      Runnable repeated = () -> repeat(compute, repeats);
      Runnable together =
          () -> {
            repeated.run();
            memory.run();
          };
      // A backend may compile what is between two ends of work as a whole.
      for (Runnable work : List.of(repeated, together)) {
        seconds(backend, work);
      }
      for (int round = 0; round < ROUNDS; round++) {
        c[round] = seconds(backend, repeated);
        m[round] = seconds(backend, memory);
        one[round] = seconds(backend, shared);
        both[round] = seconds(backend, together);
      }
      double seconds = median(c);
      double flops = 2.0 * COMPUTE_ROWS * matrix.rows() * matrix.columns() * repeats;
      double read = median(m);
      double bytes = (double) sequences * pagesEach * layout.bytesPerPage();
      double overlap = (seconds + read - median(both)) / Math.min(seconds, read);
      return new Calibration(
          flops / seconds,
          bytes / read,
          Math.clamp(overlap, 0.0, 1.0),
          Math.clamp(Math.round(read / median(one)), 1, MOST_SHARED),
          String.format(
              Locale.ROOT,
              "backend %s, %d threads, medians of %d interleaved rounds: products of %d tokens"
                  + " with %d x %d %s; attention of %d sequences over %d tokens",
              backend.name(),
              backend.threads(),
              ROUNDS,
              COMPUTE_ROWS,
              matrix.rows(),
              matrix.columns(),
              matrix.format(),
              sequences,
              CONTEXT));
    }
  }

  /** Writes all pages: before, they are one page of zeros, which every cache holds. */
  private static void touch(
      Backend backend,
      TransformerSpec spec,
      AttentionShape shape,
      KvCache kv,
      int sequences,
      int pagesEach) {
    var rope = new RopeTable(spec.rope());
    rope.cover(CONTEXT - 1);
    Activations rows = backend.allocate(CONTEXT, spec.attentionWidth());
    var all = new RaggedTokens();
    for (int s = 0; s < sequences; s++) {
      int first = s * pagesEach;
      all.clear();
      all.beginSequence(IntStream.range(first, first + pagesEach).toArray());
      for (int t = 0; t < CONTEXT; t++) {
        all.addToken(t);
      }
      backend.ropeAndStore(rows, shape, rope, all, kv, 0);
    }
  }

  private static void repeat(Runnable work, int times) {
    for (int i = 0; i < times; i++) {
      work.run();
    }
  }

  // Without the end of the work a backend that puts it off would only collect it.
  private static void warmUp(Backend backend, Runnable work) {
    long end = System.nanoTime() + WARM_UP_NANOS;
    do {
      work.run();
      backend.finish();
    } while (System.nanoTime() < end);
  }

  private static double seconds(Backend backend, Runnable work) {
    long start = System.nanoTime();
    work.run();
    backend.finish();
    return Math.max(1, System.nanoTime() - start) / 1e9;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
