package dev.weft.kernels.backend.vector;

import java.lang.foreign.MemorySegment;

/**
 * A number format as it lies in memory for the kernels: groups of {@link Lanes#COUNT} rows, in
 * which a vector holds the same places of all rows of the group. Decoding gives, bit by bit, the
 * values of the format's reference decoder.
 */
sealed interface PackedFormat
    permits PackedF32, PackedF16, PackedBf16, PackedQ8, PackedQ4, PackedGroups {
  /** Bytes of a chunk: a group of rows of {@code columns} elements. */
  long chunkBytes(int columns);

  /**
   * Stores one row of a chunk.
   *
   * @param src the row in the file's format, from byte {@code from} on
   * @param first column of the row with which the chunk begins
   * @param dst the chunk, from byte {@code at} on, zero before
   * @param lane place of the row in the group
   * @return whether the row can be held; else the matrix must be held as f32
   */
  boolean pack(
      MemorySegment src, long from, int first, int columns, MemorySegment dst, long at, int lane);

  /**
   * Decodes a chunk to f32 {@code [count][lanes]}.
   *
   * @param src the chunk, from byte {@code from} on
   */
  void decode(MemorySegment src, long from, int count, MemorySegment dst, long at);
}
