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

  private static float[] product(
      Matmul matmul, VectorWeights weights, HostActivations x, int rows) {
    var out = new HostActivations(rows, weights.outputs());
    matmul.compute(weights, x, rows, out);
    return out.data();
  }
}
