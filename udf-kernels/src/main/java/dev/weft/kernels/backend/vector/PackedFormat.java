package dev.weft.kernels.backend.vector;

import java.lang.foreign.MemorySegment;

/**
 * A number format as it lies in memory for the kernels: units of {@link Unit#ROWS} rows, in a unit
 * one column after the other, and of each column a vector that holds the same place of {@link
 * Lanes#COUNT} rows. Where a number is narrower than a lane, a 32-bit lane holds those of all
 * groups of the unit, so that one read serves as many chains as a core needs to be busy. Decoding
 * gives, bit by bit, the values of the format's reference decoder.
 */
sealed interface PackedFormat
    permits PackedF32, PackedF16, PackedBf16, PackedQ8, PackedQ4, PackedGroups {
  /** Bytes of a unit's first {@code columns}, a multiple of the format's block. */
  long bytes(int columns);

  /**
   * Stores one row of a unit.
   *
   * @param src the row in the file's format, from byte {@code from} on
   * @param dst the unit, from byte {@code at} on, zero before
   * @param row place of the row in the unit
   * @return whether the row can be held; else the matrix must be held as f32
   */
  boolean pack(MemorySegment src, long from, int columns, MemorySegment dst, long at, int row);

  /**
   * Decodes columns of a unit to f32 {@code [count][groups][lanes]}.
   *
   * @param read address of the first column
   * @param write address of what is decoded
   */
  void decode(long read, int count, long write);

  /** Whether {@link #multiplyRow} decodes and multiplies at once. */
  default boolean multipliesRows() {
    return false;
  }

  /**
   * Multiplies all columns of a unit with one input row, with the bits of {@link Unit#oneRow}.
   *
   * @param read address of the unit
   * @param x input row from {@code xAt} on, {@code count} elements
   * @param out output row, the unit's from {@code at} on
   */
  default void multiplyRow(
      long read, int count, float[] x, int xAt, float[] out, int at, int groups) {
    throw new UnsupportedOperationException(this + " has no kernel for one row");
  }
}
