package dev.weft.kernels.quant;

import java.lang.foreign.MemorySegment;

/** Decodes and encodes one block of a format; the block's geometry is the format's. */
interface BlockCodec {
  /** Decodes the block at byte {@code offset} of {@code src} to {@code dst[dstOffset..]}. */
  void decode(MemorySegment src, long offset, float[] dst, int dstOffset);

  /**
   * Encodes {@code src[srcOffset..]} as the block at byte {@code offset} of {@code dst}.
   *
   * @throws UnsupportedOperationException if the format is only read
   */
  default void encode(float[] src, int srcOffset, MemorySegment dst, long offset) {
    throw new UnsupportedOperationException("this number format is only read, not written");
  }
}
