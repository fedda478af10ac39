package dev.weft.benchmarks.fuzz;

import java.io.IOException;
import java.util.random.RandomGenerator;

/** A reader that takes bytes of strangers. */
interface FuzzTarget extends AutoCloseable {
  /** Short name, e.g. {@code gguf}. */
  String name();

  /**
   * Makes one input. The same random numbers give the same input, in every run and on every
   * machine.
   */
  Input next(RandomGenerator random) throws Exception;

  /**
   * The input that has just these bytes, for a fuzzer that makes them itself.
   *
   * @throws UnsupportedOperationException if inputs are more than bytes
   */
  default Input of(byte[] bytes) throws Exception {
    throw new UnsupportedOperationException(name() + " takes more than bytes");
  }

  @Override
  default void close() throws IOException {}

  /** One hostile input. */
  interface Input {
    /** Its size: what allocation is measured against. */
    long bytes();

    /**
     * Reads it, and uses what was read.
     *
     * @throws Exception of a kind that {@link #documents}, where the input is refused; anything
     *     else is a finding
     */
    void read() throws Exception;

    /** Whether the reader's documentation names this exception for broken input. */
    boolean documents(Throwable e);

    /** The input as bytes, for a regression test. */
    byte[] dump();
  }
}
