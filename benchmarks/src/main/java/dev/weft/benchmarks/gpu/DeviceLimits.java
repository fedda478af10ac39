package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * What the device reaches with the backend's own kernels in the largest pieces of work: a sum of
 * arrays that no cache holds, and a product with many tokens. A device may be able to do more.
 */
final class DeviceLimits implements AutoCloseable {
  static final String COPY = "limit.copy_bandwidth";
  static final String MATMUL = "limit.matmul_rate";

  private static final int REPEATS = 10;

  /** Rows of the table that activations are filled from. */
  private static final int TABLE_ROWS = 1024;

  private final Arena arena = Arena.ofShared();
  private final Backend backend;
  private final Weights weights;
  private final Activations sum;
  private final Activations delta;
  private final Activations in;
  private final Activations out;
  private final int copyRows;
  private final int copyColumns;
  private final int tokens;
  private final int rows;
  private final int columns;

  /**
   * @param format of the product's weights
   */
  DeviceLimits(Backend backend, GpuSetting setting, QuantFormat format) {
    this.backend = backend;
    // Two arrays of 512 MiB, ten times the caches of the largest GPUs.
    copyRows = setting.gpu() ? 1 << 15 : 256;
    copyColumns = setting.gpu() ? 1 << 12 : 1024;
    tokens = setting.gpu() ? 1024 : 32;
    rows = setting.gpu() ? 8192 : 512;
    columns = setting.gpu() ? 4096 : 256;
    weights = backend.prepare(List.of(matrix(format, rows, columns, setting.seed())));
    sum = filled(copyRows, copyColumns, setting.seed() + 1);
    delta = filled(copyRows, copyColumns, setting.seed() + 2);
    in = filled(tokens, columns, setting.seed() + 3);
    out = backend.allocate(tokens, weights.outputs());
    backend.finish();
  }

  private Tensor matrix(QuantFormat format, int count, int width, long seed) {
    var one = SyntheticModel.shape(1, width, 1, 1, count, 16);
    return SyntheticModel.of(one, format, seed, arena).weights().layers().getFirst().up();
  }

  /** Random values, which take more energy than zeros and so lower the clock as those of models. */
  private Activations filled(int count, int width, long seed) {
    Tensor table = matrix(QuantFormat.F32, TABLE_ROWS, width, seed);
    Activations made = backend.allocate(count, width);
    backend.embed(table, ForwardSteps.tokens(count, seed), count, made);
    return made;
  }

  /** Bytes per second, two read for one written. */
  private double copy() {
    long start = System.nanoTime();
    for (int i = 0; i < REPEATS; i++) {
      backend.add(sum, copyRows, delta);
    }
    backend.finish();
    return 3.0 * Float.BYTES * copyRows * copyColumns * REPEATS / Rounds.secondsSince(start);
  }

  /** Operations per second; a multiply-add is two. */
  private double matmul() {
    long start = System.nanoTime();
    for (int i = 0; i < REPEATS; i++) {
      backend.matmul(weights, in, tokens, out);
      backend.finish();
    }
    return 2.0 * tokens * rows * columns * REPEATS / Rounds.secondsSince(start);
  }

  /** Adds both to measures that are compared with them. */
  Rounds addTo(Rounds rounds) {
    return rounds.add(COPY, this::copy).add(MATMUL, this::matmul);
  }

  String copyWorkload() {
    return "x += y of 2 arrays of %d MiB, by the backend's own kernel; reads and writes"
        .formatted((long) copyRows * copyColumns * Float.BYTES >> 20);
  }

  String matmulWorkload() {
    return "%d tokens with a matrix of %d x %d, by the backend's own kernel"
        .formatted(tokens, rows, columns);
  }

  @Override
  public void close() {
    weights.close();
    arena.close();
  }
}
