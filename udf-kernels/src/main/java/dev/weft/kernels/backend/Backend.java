package dev.weft.kernels.backend;

/** Where tensors are computed. */
public interface Backend extends AutoCloseable {
  /** Lower-case name as in the configuration. */
  String name();

  @Override
  void close();
}
