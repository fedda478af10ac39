package dev.weft.jobs.ledger;

import dev.weft.kernels.engine.ResultSchema;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Adds what one task finishes to the ledger. Batches are kept until there are enough rows or they
 * are old enough, then written as one piece: aside first, made durable, then renamed. A piece is
 * never changed.
 */
public final class LedgerWriter implements AutoCloseable {
  private final FileSystem fs;
  private final Path folder;
  private final PieceName.Kind kind;
  private final int start;
  private final long taskAttempt;
  private final int pieceRows;
  private final long pieceNanos;

  private final List<ArrowRecordBatch> pending = new ArrayList<>();
  private VectorSchemaRoot shape;
  private Schema schema;
  private long rows;
  private long promptTokens;
  private long sharedTokens;
  private long outputTokens;
  private long oldestNanos;
  private int sequence;

  /**
   * @param folder exists
   * @param start number of the job's start
   * @param taskAttempt unique within the start
   * @param pieceRows rows after which a piece is written
   * @param pieceSeconds seconds after which a piece is written
   */
  public LedgerWriter(
      FileSystem fs,
      Path folder,
      PieceName.Kind kind,
      int start,
      long taskAttempt,
      int pieceRows,
      int pieceSeconds) {
    this.fs = fs;
    this.folder = folder;
    this.kind = kind;
    this.start = start;
    this.taskAttempt = taskAttempt;
    this.pieceRows = pieceRows;
    this.pieceNanos = pieceSeconds * 1_000_000_000L;
  }

  /** Adds a batch; it stays the caller's. Its allocator must outlive this writer. */
  public synchronized void add(VectorSchemaRoot batch) throws IOException {
    if (batch.getRowCount() == 0) {
      return;
    }
    if (shape == null) {
      schema = batch.getSchema();
      shape = VectorSchemaRoot.create(schema, batch.getFieldVectors().getFirst().getAllocator());
    }
    if (pending.isEmpty()) {
      oldestNanos = System.nanoTime();
    }
    pending.add(new VectorUnloader(batch).getRecordBatch());
    rows += batch.getRowCount();
    if (kind == PieceName.Kind.RESULTS) {
      IntVector prompt = (IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS);
      IntVector shared = (IntVector) batch.getVector(ResultSchema.SHARED_TOKENS);
      IntVector output = (IntVector) batch.getVector(ResultSchema.OUTPUT_TOKENS);
      for (int i = 0; i < batch.getRowCount(); i++) {
        promptTokens += prompt.get(i);
        sharedTokens += shared.get(i);
        outputTokens += output.get(i);
      }
    }
    if (rows >= pieceRows) {
      flush();
    } else {
      flushIfOld();
    }
  }

  /** Writes what is pending if its oldest batch has waited long enough. */
  public synchronized void flushIfOld() throws IOException {
    if (!pending.isEmpty() && System.nanoTime() - oldestNanos >= pieceNanos) {
      flush();
    }
  }

  /** Writes what is pending; afterwards it is durable. */
  public synchronized void flush() throws IOException {
    if (pending.isEmpty()) {
      return;
    }
    byte[] bytes = encode();
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    PieceName name =
        new PieceName(
            kind,
            start,
            taskAttempt,
            sequence++,
            rows,
            promptTokens,
            sharedTokens,
            outputTokens,
            (int) crc.getValue());
    Path target = new Path(folder, name.fileName());
    Path aside = new Path(folder, "_" + name.fileName() + ".tmp");
    try (FSDataOutputStream out = fs.create(aside, true)) {
      out.write(bytes);
      out.hsync();
    }
    if (!fs.rename(aside, target)) {
      throw new IOException("the ledger piece " + target + " could not be put in place");
    }
    drop();
  }

  private byte[] encode() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
    VectorLoader loader = new VectorLoader(shape);
    try (ArrowStreamWriter writer = new ArrowStreamWriter(shape, null, bytes)) {
      for (ArrowRecordBatch batch : pending) {
        loader.load(batch);
        writer.writeBatch();
      }
      writer.end();
    } finally {
      shape.clear();
    }
    return bytes.toByteArray();
  }

  private void drop() {
    pending.forEach(ArrowRecordBatch::close);
    pending.clear();
    rows = 0;
    promptTokens = 0;
    sharedTokens = 0;
    outputTokens = 0;
  }

  /** Frees what is pending and was not written. */
  @Override
  public synchronized void close() {
    drop();
    if (shape != null) {
      shape.close();
      shape = null;
    }
  }
}
