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

  /**
   * Kernels of all formats decode to the bits of the reference decoder, but for signs of zero;
   * those of Q4_0 to integers that have them times their scale.
   */
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
        long read = packed.address(row / Unit.ROWS);
        if (row % Unit.ROWS == 0) {
          switch (packed.format()) {
            case DecodedFormat decoded -> decoded.decode(read, columns, unit.address());
            case PackedQ4 q4 -> PackedQ4.decode(read, columns / PackedQ4.BLOCK, unit.address());
          }
        }
        tensor.decodeRow(row, expected);
        for (int i = 0; i < columns; i++) {
          float value =
              packed.format() instanceof PackedQ4 q4
                  ? integer(unit, i, row % Unit.ROWS) * scale(q4, read, i, row % Unit.ROWS)
                  : unit.get(
                      ValueLayout.JAVA_FLOAT, (long) i * Unit.STEP_BYTES + row % Unit.ROWS * 4L);
          assertThat(value + 0f)
              .as("row %d, column %d, seed %d", row, i, seed)
              .isEqualTo(expected[i] + 0f);
        }
      }
      packed.memory().close();
    }
  }

  private static short integer(MemorySegment unit, int column, int row) {
    int place = column % PackedQ4.BLOCK;
    long block = column / PackedQ4.BLOCK * PackedQ4.DECODED_BYTES;
    long pair = place % RoundedRows.PAIRS * (long) Unit.STEP_BYTES;
    long half = place / RoundedRows.PAIRS * 2L;
    return unit.get(ValueLayout.JAVA_SHORT, block + pair + row * 4L + half);
  }

  private static float scale(PackedQ4 format, long read, int column, int row) {
    long block = read + format.bytes(column / PackedQ4.BLOCK * PackedQ4.BLOCK);
    return Lanes.MEMORY.get(ValueLayout.JAVA_FLOAT, block + row * 4L);
  }
}
