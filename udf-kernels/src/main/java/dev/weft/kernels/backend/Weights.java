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

  /** Memory that the prepared form takes beyond the model file. */
  long bytes();

  @Override
  void close();
}
