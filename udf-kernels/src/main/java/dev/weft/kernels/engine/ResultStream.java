package dev.weft.kernels.engine;

/**
 * Results of one submission, in the order in which requests finish.
 *
 * <p>{@link #next} also reads the submitted requests, in the caller's thread and only as far ahead
 * as the engine needs. One thread at a time may use a stream; any thread may close it.
 */
public interface ResultStream extends AutoCloseable {
  /**
   * Waits for the next batch.
   *
   * @return a batch that the caller closes, or null after the last result
   * @throws EngineException if the engine failed or was closed, or a batch of requests has the
   *     wrong columns
   * @throws InterruptedException if the thread was interrupted; the stream can be read on
   */
  EngineBatch next() throws InterruptedException;

  /** Gives up what is not finished. Does nothing after the last result or a second time. */
  @Override
  void close();
}
