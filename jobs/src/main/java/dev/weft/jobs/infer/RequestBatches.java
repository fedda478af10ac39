package dev.weft.jobs.infer;

import dev.weft.jobs.prepare.PreparedSchema;
import dev.weft.kernels.engine.RequestSchema;
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
import org.apache.spark.sql.Row;

/**
 * Planned rows as record batches of {@link RequestSchema}. One batch is used again and again: it is
 * the engine's until the next one is asked for.
 */
final class RequestBatches implements Iterator<VectorSchemaRoot>, AutoCloseable {
  private static final int BATCH_ROWS = 64;

  private final Iterator<Row> rows;
  private final Runnable atEnd;
  private final VectorSchemaRoot batch;
  private boolean ended;

  /**
   * @param rows columns of {@link PlannedRows}, in planned order
   * @param atEnd runs once when the last row was taken
   */
  RequestBatches(Iterator<Row> rows, BufferAllocator allocator, Runnable atEnd) {
    this.rows = rows;
    this.atEnd = atEnd;
    this.batch = VectorSchemaRoot.create(RequestSchema.SCHEMA, allocator);
  }

  @Override
  public boolean hasNext() {
    boolean more = rows.hasNext();
    if (!more && !ended) {
      ended = true;
      atEnd.run();
    }
    return more;
  }

  @Override
  public VectorSchemaRoot next() {
    batch.allocateNew();
    int count = 0;
    while (count < BATCH_ROWS && rows.hasNext()) {
      write(rows.next(), count++);
    }
    batch.setRowCount(count);
    return batch;
  }

  private void write(Row row, int at) {
    longs(RequestSchema.ROW).setSafe(at, row.getLong(PlannedRows.ROW_KEY));
    utf8(RequestSchema.REQUEST_ID).setSafe(at, bytes(row.getString(PlannedRows.ID)));
    writeTokens(row.getAs(PlannedRows.TOKENS), at);
    ((TinyIntVector) batch.getVector(RequestSchema.SIDE)).setSafe(at, row.getInt(PlannedRows.SIDE));
    ints(RequestSchema.ESTIMATED_OUTPUT_TOKENS).setSafe(at, row.getInt(PlannedRows.ESTIMATE));
    writeLengths(row.getList(PlannedRows.LENGTHS), at);
    Row p = row.getStruct(PlannedRows.PARAMS);
    ints(RequestSchema.MAX_TOKENS).setSafe(at, p.getInt(0));
    floats(RequestSchema.TEMPERATURE).setSafe(at, (float) p.getDouble(1));
    floats(RequestSchema.TOP_P).setSafe(at, (float) p.getDouble(2));
    ints(RequestSchema.TOP_K).setSafe(at, p.getInt(3));
    floats(RequestSchema.MIN_P).setSafe(at, (float) p.getDouble(4));
    floats(RequestSchema.REPETITION_PENALTY).setSafe(at, (float) p.getDouble(5));
    floats(RequestSchema.FREQUENCY_PENALTY).setSafe(at, (float) p.getDouble(6));
    floats(RequestSchema.PRESENCE_PENALTY).setSafe(at, (float) p.getDouble(7));
    writeStops(p.getList(8), at);
    if (p.isNullAt(9)) {
      longs(RequestSchema.SEED).setNull(at);
    } else {
      longs(RequestSchema.SEED).setSafe(at, p.getLong(9));
    }
    ints(RequestSchema.N).setSafe(at, p.getInt(10));
    if (p.isNullAt(11)) {
      ints(RequestSchema.LOGPROBS).setNull(at);
    } else {
      ints(RequestSchema.LOGPROBS).setSafe(at, p.getInt(11));
    }
    ListVector stopTokens = list(RequestSchema.STOP_TOKEN_IDS);
    stopTokens.startNewValue(at);
    stopTokens.endValue(at, 0);
    ((BitVector) batch.getVector(RequestSchema.IGNORE_EOS)).setSafe(at, 0);
  }

  private void writeTokens(byte[] encoded, int at) {
    int[] tokens = PreparedSchema.decodeTokens(encoded);
    ListVector list = list(RequestSchema.TOKENS);
    IntVector values = (IntVector) list.getDataVector();
    int start = list.startNewValue(at);
    for (int i = 0; i < tokens.length; i++) {
      values.setSafe(start + i, tokens[i]);
    }
    list.endValue(at, tokens.length);
  }

  private void writeLengths(List<Integer> lengths, int at) {
    ListVector list = list(RequestSchema.OUTPUT_LENGTHS);
    IntVector values = (IntVector) list.getDataVector();
    int start = list.startNewValue(at);
    for (int i = 0; i < lengths.size(); i++) {
      values.setSafe(start + i, lengths.get(i));
    }
    list.endValue(at, lengths.size());
  }

  private void writeStops(List<String> stops, int at) {
    ListVector list = list(RequestSchema.STOP);
    VarCharVector values = (VarCharVector) list.getDataVector();
    int start = list.startNewValue(at);
    for (int i = 0; i < stops.size(); i++) {
      values.setSafe(start + i, bytes(stops.get(i)));
    }
    list.endValue(at, stops.size());
  }

  private BigIntVector longs(String name) {
    return (BigIntVector) batch.getVector(name);
  }

  private IntVector ints(String name) {
    return (IntVector) batch.getVector(name);
  }

  private Float4Vector floats(String name) {
    return (Float4Vector) batch.getVector(name);
  }

  private VarCharVector utf8(String name) {
    return (VarCharVector) batch.getVector(name);
  }

  private ListVector list(String name) {
    return (ListVector) batch.getVector(name);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    batch.close();
  }
}
