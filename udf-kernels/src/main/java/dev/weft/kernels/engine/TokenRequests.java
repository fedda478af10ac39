package dev.weft.kernels.engine;

import dev.weft.batching.request.Side;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;

/**
 * Requests of given token ids that generate exactly a given number of tokens, greedily and past the
 * end of generation: for calibrations and benchmarks. All in one batch.
 */
public final class TokenRequests implements Iterator<VectorSchemaRoot>, AutoCloseable {
  private final List<Fixed> requests;
  private final VectorSchemaRoot batch;
  private boolean taken;

  /**
   * One request.
   *
   * @param prompt token ids
   * @param outputTokens tokens to generate, at least 1
   * @param estimatedOutputTokens what the plan thinks of them
   * @param side run of the plan it belongs to
   */
  public record Fixed(int[] prompt, int outputTokens, int estimatedOutputTokens, Side side) {
    /** Known length, in an order with one side. */
    public Fixed(int[] prompt, int outputTokens) {
      this(prompt, outputTokens, outputTokens, Side.COMPUTE);
    }
  }

  /** Requests in planned order; row and id are their number. */
  public TokenRequests(List<Fixed> requests, BufferAllocator allocator) {
    this.requests = List.copyOf(requests);
    this.batch = VectorSchemaRoot.create(RequestSchema.SCHEMA, allocator);
  }

  @Override
  public boolean hasNext() {
    return !taken;
  }

  @Override
  public VectorSchemaRoot next() {
    if (taken) {
      throw new NoSuchElementException();
    }
    taken = true;
    batch.allocateNew();
    for (int i = 0; i < requests.size(); i++) {
      write(i, requests.get(i));
    }
    batch.setRowCount(requests.size());
    return batch;
  }

  private void write(int i, Fixed request) {
    ((BigIntVector) batch.getVector(RequestSchema.ROW)).setSafe(i, i);
    ((VarCharVector) batch.getVector(RequestSchema.REQUEST_ID))
        .setSafe(i, Integer.toString(i).getBytes(StandardCharsets.UTF_8));
    list(RequestSchema.TOKENS, i, request.prompt);
    ((TinyIntVector) batch.getVector(RequestSchema.SIDE)).setSafe(i, request.side.ordinal());
    integer(RequestSchema.ESTIMATED_OUTPUT_TOKENS, i, request.estimatedOutputTokens);
    list(RequestSchema.OUTPUT_LENGTHS, i);
    integer(RequestSchema.MAX_TOKENS, i, request.outputTokens);
    number(RequestSchema.TEMPERATURE, i, 0);
    number(RequestSchema.TOP_P, i, 1);
    integer(RequestSchema.TOP_K, i, 0);
    number(RequestSchema.MIN_P, i, 0);
    number(RequestSchema.REPETITION_PENALTY, i, 1);
    number(RequestSchema.FREQUENCY_PENALTY, i, 0);
    number(RequestSchema.PRESENCE_PENALTY, i, 0);
    batch.getVector(RequestSchema.SEED).setNull(i);
    integer(RequestSchema.N, i, 1);
    list(RequestSchema.STOP, i);
    list(RequestSchema.STOP_TOKEN_IDS, i);
    batch.getVector(RequestSchema.LOGPROBS).setNull(i);
    ((BitVector) batch.getVector(RequestSchema.IGNORE_EOS)).setSafe(i, 1);
  }

  private void list(String name, int i, int... values) {
    ListVector list = (ListVector) batch.getVector(name);
    int at = list.startNewValue(i);
    for (int k = 0; k < values.length; k++) {
      ((IntVector) list.getDataVector()).setSafe(at + k, values[k]);
    }
    list.endValue(i, values.length);
  }

  private void integer(String name, int i, int value) {
    ((IntVector) batch.getVector(name)).setSafe(i, value);
  }

  private void number(String name, int i, float value) {
    ((Float4Vector) batch.getVector(name)).setSafe(i, value);
  }

  @Override
  public void close() {
    batch.close();
  }
}
