package dev.weft.kernels.engine;

import org.apache.arrow.vector.VectorSchemaRoot;

/** A batch out of a {@link ResultStream}. It belongs to the reader, who closes it. */
public sealed interface EngineBatch extends AutoCloseable {
  /** The rows. */
  VectorSchemaRoot root();

  @Override
  default void close() {
    root().close();
  }

  /** Finished requests, columns of {@link ResultSchema}. */
  record Results(VectorSchemaRoot root) implements EngineBatch {}

  /** Step metrics, columns of {@link StepSchema}. */
  record Steps(VectorSchemaRoot root) implements EngineBatch {}
}
