package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which kernel computes a product depends on speed, and must not show in its bits. */
class MatmulWaysTest {
  private static final int MOST_ROWS = 7;

  @ParameterizedTest
  @EnumSource(QuantFormat.class)
  void bothWaysThroughTheWeightsGiveTheSameBits(QuantFormat format) {
    long seed = new Random().nextLong();
    System.out.println("MatmulWaysTest seed " + seed);
    Random random = new Random(seed);
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool("test", 2)) {
      int columns = format.blockElements() == 1 ? 297 : Math.max(3 * format.blockElements(), 288);
      // Its last unit has one vector more than whole ones, and rows that fill it.
      int outputs = 2 * Unit.ROWS + Lanes.COUNT - 3;
      Tensor tensor = new RandomTensors(random, arena).matrix(format, outputs, columns, 1);
      var scratch = new MemorySegment[pool.threads()];
      Arrays.setAll(scratch, i -> arena.allocate(Matmul.SCRATCH_BYTES, 64));
      Matmul matmul = new Matmul(pool, scratch);
      var budget = new MemoryBudget(Long.MAX_VALUE / 2);
      try (VectorWeights weights = new VectorWeights(List.of(tensor), budget, pool)) {
        var x = new HostActivations(MOST_ROWS, columns);
        for (int i = 0; i < x.data().length; i++) {
          x.data()[i] = random.nextFloat() - 0.5f;
        }
        for (int rows = 1; rows <= MOST_ROWS; rows++) {
          matmul.mostAtOnce(0);
          float[] tiles = product(matmul, weights, x, rows);
          matmul.mostAtOnce(rows);
          float[] atOnce = product(matmul, weights, x, rows);
          assertThat(atOnce).as("%d rows, seed %d", rows, seed).containsExactly(tiles);
        }
      }
    }
  }

  /** Files of k-quants mix formats within a layer. */
  @Test
  void matricesOfSeveralFormatsSideBySideAreEachMultipliedAsAlone() {
    long seed = new Random().nextLong();
    System.out.println("MatmulWaysTest seed " + seed);
    Random random = new Random(seed);
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool("test", 2)) {
      var make = new RandomTensors(random, arena);
      List<Tensor> tensors =
          Stream.of(QuantFormat.Q4_K, QuantFormat.Q6_K, QuantFormat.Q4_0, QuantFormat.F16)
              .map(format -> make.matrix(format, Unit.ROWS + 3, 512, 1))
              .toList();
      var scratch = new MemorySegment[pool.threads()];
      Arrays.setAll(scratch, i -> arena.allocate(Matmul.SCRATCH_BYTES, 64));
      Matmul matmul = new Matmul(pool, scratch);
      var budget = new MemoryBudget(Long.MAX_VALUE / 2);
      var x = new HostActivations(MOST_ROWS, 512);
      for (int i = 0; i < x.data().length; i++) {
        x.data()[i] = random.nextFloat() - 0.5f;
      }
      try (VectorWeights all = new VectorWeights(tensors, budget, pool)) {
        float[] together = product(matmul, all, x, MOST_ROWS);
        int stride = together.length / MOST_ROWS;
        for (int m = 0; m < tensors.size(); m++) {
          try (VectorWeights one = new VectorWeights(List.of(tensors.get(m)), budget, pool)) {
            float[] alone = product(matmul, one, x, MOST_ROWS);
            int width = alone.length / MOST_ROWS;
            for (int row = 0; row < MOST_ROWS; row++) {
              int at = row * stride + all.firstColumn(m);
              assertThat(Arrays.copyOfRange(together, at, at + Unit.ROWS + 3))
                  .as("matrix %d, row %d, seed %d", m, row, seed)
                  .containsExactly(
                      Arrays.copyOfRange(alone, row * width, row * width + Unit.ROWS + 3));
            }
          }
        }
      }
    }
  }

  private static float[] product(
      Matmul matmul, VectorWeights weights, HostActivations x, int rows) {
    var out = new HostActivations(rows, weights.outputs());
    matmul.compute(weights, x, rows, out);
    return out.data();
  }
}
