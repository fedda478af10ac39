package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedMatrixTest {
  private static final int ROWS = 5 * Lanes.MOST + 3;

  /** Kernels of all formats decode to the bits of the reference decoder, but for signs of zero. */
  @ParameterizedTest
  @EnumSource(QuantFormat.class)
  void decodesToTheBitsOfTheReference(QuantFormat format) {
    long seed = new Random().nextLong();
    System.out.println("PackedMatrixTest seed " + seed);
    try (Arena arena = Arena.ofShared();
        WorkerPool pool = new WorkerPool("test", 2)) {
      int columns = format.blockElements() == 1 ? 297 : Math.max(3 * format.blockElements(), 288);
      Tensor tensor = new RandomTensors(new Random(seed), arena).matrix(format, ROWS, columns, 1);
      PackedMatrix packed = PackedMatrix.pack(tensor, new MemoryBudget(Long.MAX_VALUE / 2), pool);
      assertThat(packed.format() instanceof PackedF32).isEqualTo(format == QuantFormat.F32);
      MemorySegment unit = arena.allocate((long) columns * Unit.STEP_BYTES, 64);
      float[] expected = new float[columns];
      for (int row = 0; row < ROWS; row++) {
        if (row % Unit.ROWS == 0) {
          long at = Lanes.address(packed.data()) + packed.offset(row / Unit.ROWS, 0);
          packed.format().decode(at, columns, unit.address());
        }
        tensor.decodeRow(row, expected);
        for (int i = 0; i < columns; i++) {
          long at = (long) i * Unit.STEP_BYTES + row % Unit.ROWS * 4L;
          assertThat(unit.get(ValueLayout.JAVA_FLOAT, at) + 0f)
              .as("row %d, column %d, seed %d", row, i, seed)
              .isEqualTo(expected[i] + 0f);
        }
      }
      packed.memory().close();
    }
  }
}
