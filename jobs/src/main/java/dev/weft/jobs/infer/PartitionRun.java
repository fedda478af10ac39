package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.LedgerWriter;
import dev.weft.kernels.engine.EngineBatch;
import dev.weft.kernels.engine.EngineException;
import dev.weft.kernels.engine.ResultSchema;
import dev.weft.kernels.engine.ResultStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the rows of one partition, on as many engines as it takes: one that fails or hangs is
 * replaced, and the requests that were in the step at that time are run more carefully than the
 * others ({@link Losses}), until the one to blame is alone and becomes an error row.
 */
final class PartitionRun implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PartitionRun.class);

  /** Engines that fail in one task, for each try of a request, before the task fails. */
  private static final int ENGINES_PER_TRY = 4;

  private final EngineSpec spec;
  private final Configuration hadoop;
  private final int partition;
  private final AttemptMarkers markers;
  private final Losses losses;
  private final LedgerWriter finished;
  private final LedgerWriter steps;
  private final LedgerFlusher flusher;
  private final BufferAllocator allocator;
  private final LiveCounts live;

  private final InFlight inFlight = new InFlight();

  /** Rows that are run after all others, since they may be the ones that end processes. */
  private final ArrayDeque<Row> suspects = new ArrayDeque<>();

  private EnginePool.Lease lease;
  private final List<String> engineFailures = new ArrayList<>();
  private long results;

  PartitionRun(
      EngineSpec spec,
      Configuration hadoop,
      int partition,
      AttemptMarkers markers,
      Losses losses,
      LedgerWriter finished,
      LedgerWriter steps,
      LedgerFlusher flusher,
      BufferAllocator allocator,
      LiveCounts live,
      EnginePool.Lease first) {
    this.spec = spec;
    this.hadoop = hadoop;
    this.partition = partition;
    this.markers = markers;
    this.losses = losses;
    this.finished = finished;
    this.steps = steps;
    this.flusher = flusher;
    this.allocator = allocator;
    this.live = live;
    this.lease = first;
  }

  /** Results written. */
  long results() {
    return results;
  }

  /** The engine that ran the last rows. */
  EnginePool.Lease lease() {
    return lease;
  }

  /** Why engines failed that were replaced. */
  List<String> engineFailures() {
    return engineFailures;
  }

  /** Gives the engine back. */
  @Override
  public void close() {
    lease.close();
  }

  /** Runs all rows; every one is answered, an error row included, when it returns. */
  void run(Iterator<Row> rows) throws IOException, InterruptedException {
    runGroup(rows, Losses.Care.NONE);
    while (!suspects.isEmpty()) {
      List<Row> group = new ArrayList<>();
      Losses.Care care = care(suspects.peek());
      int most = care == Losses.Care.ALONE ? 1 : Integer.MAX_VALUE;
      while (!suspects.isEmpty() && group.size() < most && care(suspects.peek()) == care) {
        group.add(suspects.poll());
      }
      if (care == Losses.Care.GIVE_UP) {
        for (Row row : group) {
          giveUp(row);
        }
      } else {
        runGroup(group.iterator(), care);
      }
    }
  }

  private Losses.Care care(Row row) {
    return losses.care(row.getLong(PlannedRows.ROW_KEY));
  }

  private void giveUp(Row row) throws IOException {
    String message =
        "the engine or its process was lost %d times while this request ran, the last time with this request alone"
            .formatted(losses.of(row.getLong(PlannedRows.ROW_KEY)));
    LOG.error("request {} becomes an error row: {}", row.getString(PlannedRows.ID), message);
    try (VectorSchemaRoot batch =
        ErrorRow.of(row, ErrorCode.REQUEST_ENDS_ENGINE, message, allocator)) {
      write(batch);
    }
  }

  /** Runs rows that are given out with the same care. */
  private void runGroup(Iterator<Row> rows, Losses.Care care)
      throws IOException, InterruptedException {
    Feed feed = new Feed(rows, care);
    boolean done = false;
    while (!done) {
      try {
        runOn(lease, feed, care);
        markers.clear();
        done = true;
      } catch (EngineException e) {
        replaceEngine(e);
        feed.again(inFlight.takeAll());
      }
    }
  }

  private void runOn(EnginePool.Lease current, Feed feed, Losses.Care care)
      throws IOException, InterruptedException {
    AtomicBoolean feeding = new AtomicBoolean();
    Runnable endTurn =
        () -> {
          if (feeding.compareAndSet(true, false)) {
            current.endTurn();
          }
        };
    int ahead = care == Losses.Care.NONE ? Integer.MAX_VALUE : spec.maxSequences();
    current.awaitTurn();
    feeding.set(true);
    try (RequestBatches requests = new RequestBatches(feed, allocator, endTurn);
        ResultStream stream = current.engine().submit(requests, allocator, ahead)) {
      for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
        try (EngineBatch open = batch) {
          switch (open) {
            case EngineBatch.Results r -> write(r.root());
            case EngineBatch.Steps s -> steps.add(s.root());
          }
        }
        if (care != Losses.Care.NONE) {
          // What is durable is above suspicion.
          finished.flush();
        }
        flusher.check();
        requireWanted();
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      endTurn.run();
    }
    if (GracefulEnd.isEnding()) {
      throw stopped();
    }
    if (inFlight.size() > 0) {
      throw new WeftException(
          ErrorCode.INTERNAL,
          "the engine ended partition %d with %d requests unanswered"
              .formatted(partition, inFlight.size()));
    }
  }

  private void requireWanted() {
    TaskContext task = TaskContext.get();
    if (task != null && task.isInterrupted()) {
      throw stopped();
    }
  }

  private WeftException stopped() {
    return new WeftException(
        ErrorCode.RUN_STOPPED,
        "partition %d was told to stop; %d requests in flight were handed back"
            .formatted(partition, inFlight.size()));
  }

  private void write(VectorSchemaRoot batch) throws IOException {
    inFlight.answered(batch);
    finished.add(batch);
    results += batch.getRowCount();
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

  /** Another engine in place of one that failed. */
  private void replaceEngine(EngineException reason) throws IOException {
    finished.flush();
    steps.flush();
    if (reason.kind() == EngineException.Kind.REFUSED) {
      throw new WeftException(
          ErrorCode.INTERNAL, "the engine refused partition " + partition + ": " + reason, reason);
    }
    // Several answers of a request may be in a step; the request was lost once.
    long[] mine = Arrays.stream(reason.rows()).filter(inFlight::holds).distinct().toArray();
    for (long row : mine) {
      losses.add(row);
    }
    lease.markFailed(reason.kind() == EngineException.Kind.HUNG);
    lease.close();
    engineFailures.add(reason.getMessage());
    int most = ENGINES_PER_TRY * spec.tries();
    LOG.error(
        "engine {} of at most {} failed in partition {} ({}); {} requests run again",
        engineFailures.size(),
        most,
        partition,
        mine.length > 0 ? "a request of this partition may be to blame" : "with requests of others",
        inFlight.size(),
        reason);
    if (engineFailures.size() == most) {
      throw new WeftException(EngineFaults.code(reason), reason.getMessage(), reason);
    }
    try {
      lease = EnginePool.acquire(spec, hadoop);
    } catch (WeftException e) {
      e.addSuppressed(reason);
      throw e;
    }
  }

  /**
   * The rows of a group. Before a row is given out, a marker that names it is durable; rows that
   * need more care than the group gives are put aside.
   */
  private final class Feed implements Iterator<Row> {
    private final Iterator<Row> source;
    private final Losses.Care care;
    private final ArrayDeque<Row> again = new ArrayDeque<>();
    private final ArrayDeque<Row> marked = new ArrayDeque<>();

    Feed(Iterator<Row> source, Losses.Care care) {
      this.source = source;
      this.care = care;
    }

    /** Rows that an engine had and did not answer; they go first. */
    void again(List<Row> rows) {
      List<Row> all = new ArrayList<>(rows);
      all.addAll(marked);
      marked.clear();
      all.reversed().forEach(again::addFirst);
    }

    @Override
    public boolean hasNext() {
      if (marked.isEmpty()) {
        mark();
      }
      return !marked.isEmpty();
    }

    @Override
    public Row next() {
      Row row = marked.remove();
      inFlight.add(row);
      return row;
    }

    private void mark() {
      int most =
          care == Losses.Care.NONE
              ? AttemptMarkers.MOST_ROWS
              : Math.min(AttemptMarkers.MOST_ROWS, spec.maxSequences());
      while (marked.size() < most && (!again.isEmpty() || source.hasNext())) {
        Row row = again.isEmpty() ? source.next() : again.poll();
        if (care(row) == care) {
          marked.add(row);
        } else {
          suspects.add(row);
        }
      }
      if (!marked.isEmpty()) {
        try {
          markers.write(
              marked.stream().mapToLong(row -> row.getLong(PlannedRows.ROW_KEY)).toArray());
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }
}
