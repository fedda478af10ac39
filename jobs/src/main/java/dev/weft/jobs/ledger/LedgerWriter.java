package dev.weft.jobs.ledger;

import dev.weft.jobs.store.Storage;
import dev.weft.jobs.store.Versions;
import dev.weft.kernels.engine.ResultSchema;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.hadoop.fs.Path;

/**
 * Adds what one task finishes to the ledger. Batches are kept until there are enough rows or they
 * are old enough, then written as one piece, which is never changed. Its name holds its length and
 * checksum: a piece that a crash has torn is told from a whole one, so that nothing has to be
 * renamed.
 */
public final class LedgerWriter implements AutoCloseable {
  /**
   * After a piece, rows are gathered for this many times as long as writing took. Storage waits for
   * its disks (6 ms here) or its network; with cheap rows a task would wait with it for a third of
   * its time.
   */
  private static final int GATHER_TIMES = 100;

  /** Taken for the write before the first, which is slow in a new process. */
  private static final long USUAL_WRITE_NANOS = 10_000_000;

  /** Pieces whose rows may wait in memory for that. */
  private static final int MOST_PIECES = 64;

  private final Storage storage;
  private final Path folder;
  private final PieceName.Kind kind;
  private final int start;
  private final int partition;
  private final long taskAttempt;
  private final int pieceRows;
  private final long pieceNanos;
  private final LongSupplier clock;

  private final List<ArrowRecordBatch> pending = new ArrayList<>();
  private VectorSchemaRoot shape;
  private Schema schema;
  private long rows;
  private long errors;
  private long promptTokens;
  private long sharedTokens;
  private long outputTokens;
  private long oldestNanos;
  private long gatherUntilNanos;
  private long writeNanos = USUAL_WRITE_NANOS;
  private int sequence;

  /**
   * @param folder exists
   * @param start number of the job's start
   * @param partition the task's partition
   * @param taskAttempt unique within the start
   * @param pieceRows rows after which a piece is written; more where writing takes long
   * @param pieceSeconds seconds after which a piece is written
   */
  public LedgerWriter(
      Storage storage,
      Path folder,
      PieceName.Kind kind,
      int start,
      int partition,
      long taskAttempt,
      int pieceRows,
      int pieceSeconds) {
    this(
        storage,
        folder,
        kind,
        start,
        partition,
        taskAttempt,
        pieceRows,
        pieceSeconds,
        System::nanoTime);
  }

  /** The same with a clock, in nanoseconds. */
  LedgerWriter(
      Storage storage,
      Path folder,
      PieceName.Kind kind,
      int start,
      int partition,
      long taskAttempt,
      int pieceRows,
      int pieceSeconds,
      LongSupplier clock) {
    this.storage = storage;
    this.folder = folder;
    this.kind = kind;
    this.start = start;
    this.partition = partition;
    this.taskAttempt = taskAttempt;
    this.pieceRows = pieceRows;
    this.pieceNanos = pieceSeconds * 1_000_000_000L;
    this.clock = clock;
    this.gatherUntilNanos = clock.getAsLong();
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
      oldestNanos = clock.getAsLong();
    }
    pending.add(new VectorUnloader(batch).getRecordBatch());
    rows += batch.getRowCount();
    if (kind == PieceName.Kind.RESULTS) {
      IntVector prompt = (IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS);
      IntVector shared = (IntVector) batch.getVector(ResultSchema.SHARED_TOKENS);
      IntVector output = (IntVector) batch.getVector(ResultSchema.OUTPUT_TOKENS);
      FieldVector error = batch.getVector(ResultSchema.ERROR_CODE);
      for (int i = 0; i < batch.getRowCount(); i++) {
        errors += error.isNull(i) ? 0 : 1;
        promptTokens += prompt.get(i);
        sharedTokens += shared.get(i);
        outputTokens += output.get(i);
      }
    }
    flushIfDue();
  }

  /** Writes what is pending if it is enough, or if its oldest batch has waited long enough. */
  public synchronized void flushIfDue() throws IOException {
    if (pending.isEmpty()) {
      return;
    }
    long now = clock.getAsLong();
    if (now - oldestNanos >= pieceNanos
        || rows >= pieceRows && now - gatherUntilNanos >= 0
        || rows >= (long) MOST_PIECES * pieceRows) {
      flush();
    }
  }

  /** Writes what is pending; afterwards it is durable. */
  public synchronized void flush() throws IOException {
    if (pending.isEmpty()) {
      return;
    }
    long began = clock.getAsLong();
    byte[] bytes = encode();
    PieceName name =
        new PieceName(
            kind,
            start,
            partition,
            taskAttempt,
            sequence++,
            rows,
            errors,
            promptTokens,
            sharedTokens,
            outputTokens,
            bytes.length,
            Versions.crc32c(bytes));
    storage.put(new Path(folder, name.fileName()), bytes);
    drop();
    long ended = clock.getAsLong();
    // A single late write says nothing of the next.
    gatherUntilNanos = ended + GATHER_TIMES * Math.min(writeNanos, ended - began);
    writeNanos = ended - began;
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
    errors = 0;
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
