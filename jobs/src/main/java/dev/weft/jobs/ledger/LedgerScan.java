package dev.weft.jobs.ledger;

import dev.weft.jobs.store.Storage;
import dev.weft.kernels.engine.ResultSchema;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.hadoop.fs.Path;

/** Reads the ledger's results one piece after the other, without Spark. */
public final class LedgerScan {
  /** Content that lies about its sizes must not take more memory than a piece could need. */
  private static final long MIN_BUFFER_BYTES = 64L << 20;

  private static final long BUFFER_FACTOR = 4;

  /** Marks the beginning of each message of an Arrow stream. */
  private static final int CONTINUES = -1;

  private LedgerScan() {}

  /** Memory for the content of a piece, and no more. */
  static BufferAllocator allocator(byte[] content) {
    return new RootAllocator(Math.max(MIN_BUFFER_BYTES, BUFFER_FACTOR * content.length));
  }

  /**
   * Checks that no message of an Arrow stream is longer than what is there: Arrow's own reader
   * believes the length that it reads, and would ask for gigabytes of heap.
   *
   * @throws IOException if one is
   */
  static void requireFrames(byte[] content) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.remaining() >= 2 * Integer.BYTES) {
      int marker = bytes.getInt();
      int length = bytes.getInt();
      if (marker == CONTINUES && length == 0) {
        return;
      }
      if (marker != CONTINUES || length < 0 || length > bytes.remaining()) {
        break;
      }
      ByteBuffer message = bytes.slice(bytes.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      long body = Message.getRootAsMessage(message).bodyLength();
      if (body < 0 || body > bytes.remaining() - length) {
        break;
      }
      bytes.position(bytes.position() + length + (int) body);
    }
    throw new IOException("no Arrow stream");
  }

  /**
   * Tells each finished answer once.
   *
   * @return names of pieces that were left out because they are not whole
   */
  public static List<String> each(Storage storage, List<Piece> pieces, Consumer<FinishedRow> to)
      throws IOException {
    SampleSet told = new SampleSet();
    List<String> damaged = new ArrayList<>();
    for (Piece piece : pieces) {
      Optional<List<FinishedRow>> rows = rows(storage, piece);
      if (rows.isEmpty()) {
        damaged.add(new Path(piece.path()).getName());
        continue;
      }
      for (FinishedRow row : rows.get()) {
        if (told.add(row.rowKey(), row.sample())) {
          to.accept(row);
        }
      }
    }
    return damaged;
  }

  /** The rows of a piece, all or none; empty if it is torn or cannot be understood. */
  static Optional<List<FinishedRow>> rows(Storage storage, Piece piece) throws IOException {
    Optional<byte[]> content = Ledger.read(storage, piece);
    if (content.isEmpty()) {
      return Optional.empty();
    }
    List<FinishedRow> rows = new ArrayList<>();
    try {
      requireFrames(content.get());
    } catch (IOException | RuntimeException e) {
      return Optional.empty();
    }
    try (BufferAllocator allocator = allocator(content.get());
        ArrowStreamReader reader =
            new ArrowStreamReader(new ByteArrayInputStream(content.get()), allocator)) {
      VectorSchemaRoot batch = reader.getVectorSchemaRoot();
      while (reader.loadNextBatch()) {
        read(batch, rows);
      }
    } catch (IOException | RuntimeException e) {
      return Optional.empty();
    }
    return rows.size() == piece.name().rows() ? Optional.of(rows) : Optional.empty();
  }

  private static void read(VectorSchemaRoot batch, List<FinishedRow> rows) {
    BigIntVector row = (BigIntVector) batch.getVector(ResultSchema.ROW);
    IntVector sample = (IntVector) batch.getVector(ResultSchema.SAMPLE);
    IntVector prompt = (IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS);
    IntVector output = (IntVector) batch.getVector(ResultSchema.OUTPUT_TOKENS);
    for (int i = 0; i < batch.getRowCount(); i++) {
      rows.add(
          new FinishedRow(
              row.get(i),
              text(batch, ResultSchema.REQUEST_ID, i),
              sample.get(i),
              text(batch, ResultSchema.TEXT, i),
              text(batch, ResultSchema.FINISH_REASON, i),
              text(batch, ResultSchema.ERROR_CODE, i),
              text(batch, ResultSchema.ERROR_MESSAGE, i),
              prompt.get(i),
              output.get(i)));
    }
  }

  private static String text(VectorSchemaRoot batch, String column, int row) {
    FieldVector vector = batch.getVector(column);
    return vector.isNull(row) ? null : vector.getObject(row).toString();
  }
}
