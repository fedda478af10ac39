package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.FinishedSamples;
import dev.weft.jobs.ledger.LedgerWriter;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.store.Storage;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.stream.StreamSupport;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.sql.Row;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

  private static final Logger LOG = LoggerFactory.getLogger(InferTask.class);

  @Override
  public Iterator<PartitionReport> call(Integer partition, Iterator<Row> rows) throws Exception {
    if (!rows.hasNext()) {
      return List.<PartitionReport>of().iterator();
    }
    Path folder = new Path(ledgerFolder);
    Storage storage = Storage.of(folder, hadoop.value());
    TaskContext task = TaskContext.get();
    boolean again = earlierAttempts() > 0;
    Iterator<Row> left = again ? unfinished(storage, folder, partition, rows) : rows;
    Losses losses = new Losses(spec.tries());
    GracefulEnd.enter(spec.drainSeconds());
    try (AttemptMarkers markers =
        new AttemptMarkers(
            storage, new Path(folder.getParent(), "attempts"), start, task.taskAttemptId())) {
      markers.read(losses, !SparkEnv.get().conf().getBoolean("spark.speculation", false));
      return List.of(run(partition, left, storage, markers, losses)).iterator();
    } catch (Exception e) {
      if (GracefulEnd.isEnding() && Decommission.isAsked()) {
        LOG.warn("partition {} is handed back: this executor is decommissioned", partition, e);
        // Is run elsewhere, and is none of the failures that a task may have.
        throw new TaskKilledException("the executor is decommissioned");
      }
      throw e;
    } finally {
      GracefulEnd.leave();
    }
  }

  /**
   * Attempts of this task before this one; those of an earlier attempt of its stage count as one.
   */
  private static int earlierAttempts() {
    TaskContext task = TaskContext.get();
    return task.attemptNumber() + task.stageAttemptNumber();
  }

  /** What an earlier attempt of this task finished is in the ledger and is not run again. */
  private Iterator<Row> unfinished(Storage storage, Path folder, int partition, Iterator<Row> rows)
      throws IOException {
    FinishedSamples finished = FinishedSamples.read(storage, folder, start, partition);
    Iterable<Row> all = () -> rows;
    return StreamSupport.stream(all.spliterator(), false)
        .filter(row -> !finished.holds(row.getLong(PlannedRows.ROW_KEY), PlannedRows.answers(row)))
        .iterator();
  }

  private PartitionReport run(
      int partition, Iterator<Row> rows, Storage storage, AttemptMarkers markers, Losses losses)
      throws IOException, InterruptedException {
    int device = EngineSlots.device();
    LOG.info("partition {} computes on device {}", partition, device);
    EngineSpec here = spec.onDevice(device);
    EnginePool.Lease first = EnginePool.acquire(here, hadoop.value());
    long began = System.nanoTime();
    try (BufferAllocator allocator = new RootAllocator();
        LedgerWriter finished = writer(storage, PieceName.Kind.RESULTS, partition);
        LedgerWriter steps = writer(storage, PieceName.Kind.STEPS, partition);
        LedgerFlusher flusher = new LedgerFlusher(finished, steps)) {
      PartitionRun run =
          new PartitionRun(
              here,
              hadoop.value(),
              partition,
              markers,
              losses,
              finished,
              steps,
              flusher,
              allocator,
              LiveCounts.of(liveKey),
              first);
      try {
        run.run(rows);
      } catch (OutOfMemoryError | OutOfMemoryException e) {
        throw new WeftException(
            ErrorCode.MEMORY_TOO_SMALL, "memory ran out in partition " + partition + ": " + e, e);
      } finally {
        // Also when the engine failed or the task is killed: what is finished stays finished.
        finished.flush();
        steps.flush();
        run.close();
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      return PartitionReport.of(partition, run, earlierAttempts(), seconds);
    }
  }

  private LedgerWriter writer(Storage storage, PieceName.Kind kind, int partition) {
    return new LedgerWriter(
        storage,
        new Path(ledgerFolder),
        kind,
        start,
        partition,
        TaskContext.get().taskAttemptId(),
        pieceRows,
        pieceSeconds);
  }
}
