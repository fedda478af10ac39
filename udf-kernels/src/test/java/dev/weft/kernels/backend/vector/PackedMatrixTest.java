package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
   * those of four bits to integers that have them times their scale, where nothing is added.
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
            case PackedNibbles nibbles -> {
              int blocks = columns / PackedNibbles.BLOCK;
              PackedNibbles.decode(read, nibbles.blockBytes(), blocks, unit.address());
            }
          }
        }
        tensor.decodeRow(row, expected);
        for (int i = 0; i < columns; i++) {
          float value =
              packed.format() instanceof PackedNibbles nibbles
                  ? value(nibbles, unit, read, i, row % Unit.ROWS)
                  : unit.get(
                      ValueLayout.JAVA_FLOAT, (long) i * Unit.STEP_BYTES + row % Unit.ROWS * 4L);
          assertThat(value + 0f)
              .as("row %d, column %d, seed %d", row, i, seed)
              .isCloseTo(expected[i] + 0f, within(rounding(packed.format(), read, i, row)));
        }
      }
      packed.memory().close();
    }
  }

  /** Of integers that are decoded to 16 bits in {@code unit}. */
  private static float value(
      PackedNibbles format, MemorySegment unit, long read, int column, int row) {
    int place = column % PackedNibbles.BLOCK;
    long decoded = column / PackedNibbles.BLOCK * PackedNibbles.DECODED_BYTES;
    long pair = place % RoundedRows.PAIRS * (long) Unit.STEP_BYTES;
    long half = place / RoundedRows.PAIRS * 2L;
    short integer = unit.get(ValueLayout.JAVA_SHORT, decoded + pair + row * 4L + half);
    float addend = format.hasAddends() ? parameter(format, read, column, row, 1) : 0;
    return integer * parameter(format, read, column, row, 0) + addend;
  }

  /** Where an addend is that of 8 steps more than the file's, it and the sum are rounded. */
  private static float rounding(PackedFormat format, long read, int column, int row) {
    if (!(format instanceof PackedNibbles nibbles) || !nibbles.hasAddends()) {
      return 0;
    }
    float scale = parameter(nibbles, read, column, row % Unit.ROWS, 0);
    float addend = parameter(nibbles, read, column, row % Unit.ROWS, 1);
    return (16 * Math.abs(scale) + Math.abs(addend)) * 0x1p-22f;
  }

  /** The scale or the addend of a column's block. */
  private static float parameter(
      PackedNibbles format, long read, int column, int row, int parameter) {
    long block = read + format.bytes(column / PackedNibbles.BLOCK * PackedNibbles.BLOCK);
    return Lanes.MEMORY.get(
        ValueLayout.JAVA_FLOAT, block + parameter * PackedNibbles.GROUPS_BYTES + row * 4L);
  }
}
