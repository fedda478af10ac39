package dev.weft.kernels.engine;

import java.util.Iterator;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowReader;

/**
 * Runs requests of many submitters together on one device; one per process and device.
 *
 * <p>One thread of its own schedules, computes and samples. All methods may be called from any
 * thread. A failure of the engine itself fails all streams and all later submissions with its
 * reason; a failure of one request becomes an error row.
 */
public interface Engine extends AutoCloseable {
  /**
   * Opens the model and makes it ready.
   *
   * @throws EngineException if the model cannot be read or run, or memory does not suffice
   */
  static Engine open(EngineConfig config) {
    return BatchingEngine.open(config);
  }

  /**
   * Runs requests, in planned order.
   *
   * @param requests batches with the columns of {@link RequestSchema}; read by {@link
   *     ResultStream#next} in its caller's thread. A batch is copied before the next one is asked
   *     for; it stays the owner's to close
   * @param allocator of the batches of results
   */
  ResultStream submit(Iterator<VectorSchemaRoot> requests, BufferAllocator allocator);

  /** Like the other, for a reader; the caller closes it. */
  ResultStream submit(ArrowReader requests, BufferAllocator allocator);

  /** What runs here. */
  EngineInfo info();

  /** Exact sums of all steps so far. */
  EngineTotals totals();

  /** Ends open streams with an error, stops the thread and frees all memory. */
  @Override
  void close();
}
