package dev.weft.kernels.backend;

/**
 * Matrices that share an input, prepared by one backend: {@code [rows][inputs]} each. Their
 * products stand side by side in the output, each from a column that is a multiple of {@link
 * Activations#PAD}.
 */
public interface Weights extends AutoCloseable {
  /** Elements of the input. */
  int inputs();

  /** Columns of the output, pads included. */
  int outputs();

  /** First output column of a matrix. */
  int firstColumn(int matrix);

  /**
   * Whether some of the matrices are multiplied with activations rounded to 511 steps, from -255 to
   * 255 times a scale that 32 neighbours share, which moves each by up to 1/510 of the greatest of
   * them; else activations are f32.
   */
  default boolean roundsActivations() {
    return false;
  }

  /**
   * Whether some of the matrices are rounded to f16 and multiplied with activations rounded to f16,
   * after a power of two of their row that brings the greatest of them to between 8,192 and 16,384:
   * each is moved by up to 1/2,048 of itself, or 2^-38 of the greatest.
   */
  default boolean roundsToHalf() {
    return false;
  }

  /** Memory that the prepared form takes beyond the model file. */
  long bytes();

  @Override
  void close();
}
