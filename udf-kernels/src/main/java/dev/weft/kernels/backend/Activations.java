package dev.weft.kernels.backend;

/**
 * Activations of the tokens of a step, in the memory of one backend: f32 {@code [rows][columns]}.
 * Columns are padded to a multiple of {@value #PAD}; pads hold zeros, or NaN in rows with values
 * that are not finite.
 */
public interface Activations {
  /** Matrices that share an input start at columns that are multiples of this. */
  int PAD = 16;

  int rows();

  int columns();

  /** Copies the first {@code count} elements of a row out. */
  void read(int row, float[] dst, int at, int count);

  /** Replaces the first {@code count} elements of a row. */
  void write(int row, float[] src, int at, int count);

  static int padded(int columns) {
    return (columns + PAD - 1) / PAD * PAD;
  }
}
