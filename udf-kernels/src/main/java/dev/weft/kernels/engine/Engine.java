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
 * reason; a failure of one request becomes an error row, also if it makes every step fail that it
 * is part of. A step that does not end is noticed: all streams fail with {@link
 * EngineException.Kind#HUNG}, though its thread and memory cannot be had back.
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

  /**
   * The same with a bound of its own on the requests that are read ahead.
   *
   * @param lookaheadRequests at least 1; at most that of the configuration counts
   */
  ResultStream submit(
      Iterator<VectorSchemaRoot> requests, BufferAllocator allocator, int lookaheadRequests);

  /** Like the other, for a reader; the caller closes it. */
  ResultStream submit(ArrowReader requests, BufferAllocator allocator);

  /** What runs here. */
  EngineInfo info();

  /** Exact sums of all steps so far. */
  EngineTotals totals();

  /**
   * Finishes what runs and hands back the rest: streams read no further request and end when what
   * runs of them has ended. Returns at once.
   */
  void drain();

  /** Ends open streams with an error, stops the thread and frees all memory. */
  @Override
  void close();
}
