package dev.weft.kernels.backend.vector;

/**
 * A format whose numbers are decoded to f32 and multiplied with f32 activations. Decoding gives,
 * bit by bit, the values of the format's reference decoder.
 */
sealed interface DecodedFormat extends PackedFormat
    permits PackedF32, PackedF16, PackedBf16, PackedQ8, PackedGroups {
  /**
   * Decodes columns of a unit to f32 {@code [count][groups][lanes]}.
   *
   * @param read address of the first column
   * @param write address of what is decoded
   */
  void decode(long read, int count, long write);

  @Override
  default boolean multipliesRows() {
    return false;
  }

  /**
   * Adds the products of columns of a unit with one input row, with the bits of {@link
   * Unit#addRow}.
   *
   * @param read address of the unit
   * @param x input row from {@code xAt} on, {@code count} elements
   * @param out the unit's outputs of the row, from {@code at} on
   */
  default void addRow(long read, int count, float[] x, int xAt, float[] out, int at) {
    throw new UnsupportedOperationException(this + " has no kernel for one row");
  }
}
