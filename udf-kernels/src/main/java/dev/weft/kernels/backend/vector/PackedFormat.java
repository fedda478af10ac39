package dev.weft.kernels.backend.vector;

import java.lang.foreign.MemorySegment;

/**
 * A number format as it lies in memory for the kernels: units of {@link Unit#ROWS} rows, in a unit
 * one column after the other, and of each column a vector that holds the same place of {@link
 * Lanes#COUNT} rows. Where a number is narrower than a lane, a 32-bit lane holds those of all
 * groups of the unit, so that one read serves as many chains as a core needs to be busy.
 */
sealed interface PackedFormat permits DecodedFormat, PackedNibbles {
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

  /** Whether there is a kernel for weights as they lie, beside the one for decoded tiles. */
  boolean multipliesRows();
}
