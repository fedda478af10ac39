package dev.weft.kernels.engine;

import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;

/** Test requests as Arrow batches, in one root that is filled again and again. */
final class RequestBatches implements Iterator<VectorSchemaRoot>, AutoCloseable {
  private final List<TestRequest> requests;
  private final int rows;
  private final VectorSchemaRoot root;
  private int next;

  RequestBatches(List<TestRequest> requests, int rows, BufferAllocator allocator) {
    this.requests = requests;
    this.rows = rows;
    root = VectorSchemaRoot.create(RequestSchema.SCHEMA, allocator);
  }

  @Override
  public boolean hasNext() {
    return next < requests.size();
  }

  @Override
  public VectorSchemaRoot next() {
    root.clear();
    root.allocateNew();
    int count = Math.min(rows, requests.size() - next);
    for (int i = 0; i < count; i++) {
      write(root, i, requests.get(next++));
    }
    root.setRowCount(count);
    return root;
  }

  @Override
  public void close() {
    root.close();
  }

  private static void write(VectorSchemaRoot root, int i, TestRequest r) {
    ((BigIntVector) root.getVector(RequestSchema.ROW)).setSafe(i, r.row());
    ((VarCharVector) root.getVector(RequestSchema.REQUEST_ID))
        .setSafe(i, r.id().getBytes(StandardCharsets.UTF_8));
    integers(root, RequestSchema.TOKENS, i, r.tokens());
    ((TinyIntVector) root.getVector(RequestSchema.SIDE)).setSafe(i, r.side());
    integer(root, RequestSchema.ESTIMATED_OUTPUT_TOKENS, i, r.estimated());
    integers(root, RequestSchema.OUTPUT_LENGTHS, i, new int[0]);
    integer(root, RequestSchema.MAX_TOKENS, i, r.maxTokens());
    number(root, RequestSchema.TEMPERATURE, i, r.temperature());
    number(root, RequestSchema.TOP_P, i, r.topP());
    integer(root, RequestSchema.TOP_K, i, r.topK());
    number(root, RequestSchema.MIN_P, i, r.minP());
    number(root, RequestSchema.REPETITION_PENALTY, i, r.repetition());
    number(root, RequestSchema.FREQUENCY_PENALTY, i, r.frequency());
    number(root, RequestSchema.PRESENCE_PENALTY, i, r.presence());
    if (r.seed() == null) {
      root.getVector(RequestSchema.SEED).setNull(i);
    } else {
      ((BigIntVector) root.getVector(RequestSchema.SEED)).setSafe(i, r.seed());
    }
    integer(root, RequestSchema.N, i, r.n());
    ListVector stops = (ListVector) root.getVector(RequestSchema.STOP);
    int at = stops.startNewValue(i);
    for (int k = 0; k < r.stop().size(); k++) {
      ((VarCharVector) stops.getDataVector())
          .setSafe(at + k, r.stop().get(k).getBytes(StandardCharsets.UTF_8));
    }
    stops.endValue(i, r.stop().size());
    integers(
        root,
        RequestSchema.STOP_TOKEN_IDS,
        i,
        r.stopTokens().stream().mapToInt(Integer::intValue).toArray());
    if (r.logprobs() == null) {
      root.getVector(RequestSchema.LOGPROBS).setNull(i);
    } else {
      integer(root, RequestSchema.LOGPROBS, i, r.logprobs());
    }
    ((BitVector) root.getVector(RequestSchema.IGNORE_EOS)).setSafe(i, r.ignoreEos() ? 1 : 0);
  }

  private static void integers(VectorSchemaRoot root, String name, int i, int[] values) {
    ListVector list = (ListVector) root.getVector(name);
    int at = list.startNewValue(i);
    for (int k = 0; k < values.length; k++) {
      ((IntVector) list.getDataVector()).setSafe(at + k, values[k]);
    }
    list.endValue(i, values.length);
  }

  private static void integer(VectorSchemaRoot root, String name, int i, int value) {
    ((IntVector) root.getVector(name)).setSafe(i, value);
  }

  private static void number(VectorSchemaRoot root, String name, int i, float value) {
    ((Float4Vector) root.getVector(name)).setSafe(i, value);
  }
}
