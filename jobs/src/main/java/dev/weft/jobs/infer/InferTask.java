package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.FinishedSamples;
import dev.weft.jobs.ledger.LedgerWriter;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.store.Storage;
import dev.weft.kernels.engine.EngineBatch;
import dev.weft.kernels.engine.EngineException;
import dev.weft.kernels.engine.ResultSchema;
import dev.weft.kernels.engine.ResultStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.sql.Row;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Runs one partition of planned rows on this executor's engine and writes what it finishes to the
 * ledger.
 *
 * @param spec the engine
 * @param ledgerFolder where pieces go
 * @param start number of the job's start
 * @param pieceRows rows after which a piece is written
 * @param pieceSeconds seconds after which a piece is written
 * @param liveKey key of this start's {@link LiveCounts}
 * @param hadoop configuration of file systems
 */
public record InferTask(
    EngineSpec spec,
    String ledgerFolder,
    int start,
    int pieceRows,
    int pieceSeconds,
    String liveKey,
    SerializableConfiguration hadoop)
    implements Function2<Integer, Iterator<Row>, Iterator<PartitionReport>>, Serializable {

  @Override
  public Iterator<PartitionReport> call(Integer partition, Iterator<Row> rows) throws Exception {
    if (!rows.hasNext()) {
      return List.<PartitionReport>of().iterator();
    }
    TaskContext task = TaskContext.get();
    boolean again = task.attemptNumber() > 0 || task.stageAttemptNumber() > 0;
    Iterator<Row> left = again ? unfinished(partition, rows) : rows;
    try (EnginePool.Lease lease = EnginePool.acquire(spec, hadoop.value())) {
      return List.of(run(partition, left, lease)).iterator();
    }
  }

  /** What an earlier attempt of this task finished is in the ledger and is not run again. */
  private Iterator<Row> unfinished(int partition, Iterator<Row> rows) throws IOException {
    Path folder = new Path(ledgerFolder);
    FinishedSamples finished =
        FinishedSamples.read(Storage.of(folder, hadoop.value()), folder, start, partition);
    Iterable<Row> all = () -> rows;
    return StreamSupport.stream(all.spliterator(), false)
        .filter(row -> !finished.holds(row.getLong(PlannedRows.ROW_KEY), PlannedRows.answers(row)))
        .iterator();
  }

  private PartitionReport run(int partition, Iterator<Row> rows, EnginePool.Lease lease)
      throws IOException, InterruptedException {
    Path folder = new Path(ledgerFolder);
    Storage storage = Storage.of(folder, hadoop.value());
    long attempt = TaskContext.get().taskAttemptId();
    AtomicBoolean feeding = new AtomicBoolean();
    Runnable endTurn =
        () -> {
          if (feeding.compareAndSet(true, false)) {
            lease.endTurn();
          }
        };
    lease.awaitTurn();
    feeding.set(true);
    long began = System.nanoTime();
    long results = 0;
    try (BufferAllocator allocator = new RootAllocator();
        RequestBatches requests = new RequestBatches(rows, allocator, endTurn);
        LedgerWriter finished =
            writer(storage, folder, PieceName.Kind.RESULTS, partition, attempt);
        LedgerWriter steps = writer(storage, folder, PieceName.Kind.STEPS, partition, attempt);
        Flusher flusher = new Flusher(finished, steps);
        ResultStream stream = lease.engine().submit(requests, allocator)) {
      try {
        for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
          try (EngineBatch open = batch) {
            switch (open) {
              case EngineBatch.Results r -> {
                finished.add(r.root());
                results += r.root().getRowCount();
                count(r.root());
              }
              case EngineBatch.Steps s -> steps.add(s.root());
            }
          }
          flusher.check();
        }
      } finally {
        // Also when the engine failed or the task is killed: what is finished stays finished.
        finished.flush();
        steps.flush();
      }
    } catch (EngineException e) {
      lease.markFailed();
      throw new WeftException(
          ErrorCode.INTERNAL,
          "the engine failed in partition " + partition + ": " + e.getMessage(),
          e);
    } finally {
      endTurn.run();
    }
    return PartitionReport.of(partition, results, (System.nanoTime() - began) / 1e9, lease);
  }

  private LedgerWriter writer(
      Storage storage, Path folder, PieceName.Kind kind, int partition, long attempt) {
    return new LedgerWriter(
        storage, folder, kind, start, partition, attempt, pieceRows, pieceSeconds);
  }

  private void count(VectorSchemaRoot batch) {
    LiveCounts live = LiveCounts.of(liveKey);
    IntVector prompt = (IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS);
    IntVector shared = (IntVector) batch.getVector(ResultSchema.SHARED_TOKENS);
    IntVector output = (IntVector) batch.getVector(ResultSchema.OUTPUT_TOKENS);
    for (int i = 0; i < batch.getRowCount(); i++) {
      live.promptTokens.add(prompt.get(i));
      live.sharedTokens.add(shared.get(i));
      live.outputTokens.add(output.get(i));
    }
    live.results.add(batch.getRowCount());
  }

  /** Writes old pieces while the task waits for the engine. */
  private static final class Flusher implements AutoCloseable {
    private final AtomicReference<IOException> failure = new AtomicReference<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    Flusher(LedgerWriter... writers) {
      thread = Thread.ofVirtual().name("weft-ledger-flush").start(() -> run(writers));
    }

    private void run(LedgerWriter... writers) {
      try {
        while (!closed.await(500, TimeUnit.MILLISECONDS)) {
          for (LedgerWriter writer : writers) {
            writer.flushIfOld();
          }
        }
      } catch (IOException e) {
        failure.set(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void check() throws IOException {
      if (failure.get() != null) {
        throw failure.get();
      }
    }

    @Override
    public void close() {
      closed.countDown();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
