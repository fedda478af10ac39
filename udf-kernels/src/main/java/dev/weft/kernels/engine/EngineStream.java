package dev.weft.kernels.engine;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.Side;
import dev.weft.batching.schedule.RequestQueue;
import dev.weft.batching.schedule.Sequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * One submission. Its reader feeds requests to the engine and takes answers; the engine's thread
 * puts answers. What both touch is guarded by {@link #lock}.
 */
final class EngineStream implements ResultStream {
  /** A reader gets fewer rows than a full batch if it has waited for this long. */
  private static final long BATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Prompt tokens of one reading ahead: 32 MiB on the heap. */
  private static final long LOOKAHEAD_TOKENS = 8 << 20;

  private static final int STEP_ROWS = 512;

  private final BatchingEngine engine;
  private final EngineConfig config;
  private final int lookaheadRequests;
  private final String name;
  private final Iterator<VectorSchemaRoot> requests;
  private final RequestReader reader;
  private final BatchWriter writer;
  private final StepRows stepRows;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Answer> finished = new ArrayDeque<>();

  /** What was handed to the scheduler and has not ended; their contents are the engine thread's. */
  private final List<RequestQueue> queues = new ArrayList<>();

  /** Samples in the engine that have not ended. */
  private int running;

  private boolean allRead;
  private boolean closed;
  private EngineException failure;

  /** Row of the open batch that is read next; used by the reader alone, like all below. */
  private int nextRow;

  private VectorSchemaRoot batch;
  private boolean ended;

  EngineStream(
      BatchingEngine engine,
      EngineConfig config,
      int lookaheadRequests,
      String name,
      Iterator<VectorSchemaRoot> requests,
      RequestReader reader,
      BatchWriter writer,
      StepRows stepRows) {
    this.engine = engine;
    this.config = config;
    this.lookaheadRequests = lookaheadRequests;
    this.name = name;
    this.requests = requests;
    this.reader = reader;
    this.writer = writer;
    this.stepRows = stepRows;
  }

  @Override
  public EngineBatch next() throws InterruptedException {
    while (!ended) {
      if (awaitWork() == Work.READ) {
        read();
        continue;
      }
      List<Answer> answers = take();
      if (!answers.isEmpty()) {
        return new EngineBatch.Results(writer.results(answers));
      }
      boolean last = isDone();
      List<StepRow> rows = stepRows.take(last ? 1 : STEP_ROWS);
      if (!rows.isEmpty()) {
        return new EngineBatch.Steps(writer.steps(rows));
      }
      if (last) {
        ended = true;
        engine.ended(this);
      }
    }
    return null;
  }

  private enum Work {
    /** The engine soon needs more requests of this stream. */
    READ,
    /** There are answers worth a batch, or step rows, or nothing more will come. */
    WRITE
  }

  private Work awaitWork() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = BATCH_NANOS;
      while (true) {
        requireUsable();
        if (engine.isDraining()) {
          allRead = true;
        }
        if (!allRead
            && running < 2 * config.maxSequences()
            && finished.size() < config.resultQueueRows()) {
          return Work.READ;
        }
        boolean some = !finished.isEmpty() || stepRows.size() >= STEP_ROWS;
        if (running == 0 || finished.size() >= config.resultBatchRows() || left <= 0 && some) {
          return Work.WRITE;
        }
        left = changed.awaitNanos(left <= 0 ? BATCH_NANOS : left);
      }
    } finally {
      lock.unlock();
    }
  }

  private List<Answer> take() {
    lock.lock();
    try {
      boolean wasFull = isFull();
      int count = Math.min(finished.size(), config.resultBatchRows());
      var taken = new ArrayList<Answer>(count);
      for (int i = 0; i < count; i++) {
        taken.add(finished.poll());
      }
      if (wasFull && !isFull()) {
        engine.wake();
      }
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private boolean isDone() {
    lock.lock();
    try {
      return allRead && running == 0 && finished.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Hands the next requests to the engine: as many as may be read ahead. */
  private void read() {
    var sequences = new ArrayList<Sequence>();
    var failed = new ArrayList<Answer>();
    long now = System.nanoTime();
    long tokens = 0;
    boolean memorySide = false;
    boolean more = true;
    int count = 0;
    while (count < lookaheadRequests && tokens < LOOKAHEAD_TOKENS) {
      more = nextRow();
      if (!more) {
        break;
      }
      int i = nextRow++;
      count++;
      try {
        GenerationRequest request = reader.read(i);
        memorySide |= request.side() == Side.MEMORY;
        for (int sample = 0; sample < request.samples(); sample++) {
          var answer = new Answer(request, sample, this);
          answer.submittedNanos = now;
          sequences.add(
              new Sequence(
                  request.prompt(),
                  request.maxOutputTokens(),
                  request.estimatedOutputTokens(),
                  request.outputLengths(),
                  request.side(),
                  answer));
          tokens += request.prompt().length;
        }
      } catch (RequestReader.InvalidRequest e) {
        failed.add(
            new Answer(
                reader.row(i),
                reader.requestId(i),
                reader.promptTokens(i),
                e.error(),
                e.getMessage(),
                this));
      }
    }
    RequestQueue queue = sequences.isEmpty() ? null : queue(sequences, memorySide);
    if (queue != null && more) {
      queue.followed();
    }
    hand(queue, sequences.size(), failed, !more);
  }

  private RequestQueue queue(List<Sequence> sequences, boolean memorySide) {
    CostModel cost = config.costModel();
    return memorySide && cost != null
        ? RequestQueue.dualScan(name, sequences, cost)
        : RequestQueue.inOrder(name, sequences);
  }

  private boolean nextRow() {
    while (batch == null || nextRow >= batch.getRowCount()) {
      batch = null;
      if (!requests.hasNext()) {
        return false;
      }
      batch = requests.next();
      nextRow = 0;
      reader.open(batch);
    }
    return true;
  }

  private void hand(RequestQueue queue, int samples, List<Answer> failed, boolean last) {
    lock.lock();
    try {
      allRead = last;
      if (closed) {
        return;
      }
      for (Answer answer : failed) {
        answer.energySource = engine.energySource();
        finished.add(answer);
      }
      if (queue != null) {
        running += samples;
        queues.add(queue);
        // Under the lock, so that a close either comes before it or cancels it.
        engine.submit(queue);
      }
    } finally {
      lock.unlock();
    }
    engine.countInvalid(failed.size());
  }

  private void requireUsable() {
    if (failure != null) {
      throw new EngineException(failure.getMessage(), failure);
    }
    if (closed) {
      throw new EngineException("the stream of results is closed");
    }
  }

  /** Takes answers that ended in one step; called by the engine's thread. */
  void put(Answer answer) {
    lock.lock();
    try {
      running--;
      if (queues.size() > 2) {
        queues.removeIf(queue -> queue.open() == 0);
      }
      if (!closed) {
        finished.add(answer);
        if (running == 0 || finished.size() >= config.resultBatchRows() || !allRead) {
          changed.signal();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Takes note that samples were handed back without an answer. */
  void handedBack(int samples) {
    lock.lock();
    try {
      running -= samples;
      allRead = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the reader is behind by as much as it may be. */
  boolean isFull() {
    lock.lock();
    try {
      return finished.size() >= config.resultQueueRows();
    } finally {
      lock.unlock();
    }
  }

  /** Ends it with an error. */
  void fail(EngineException reason) {
    lock.lock();
    try {
      if (failure == null) {
        failure = reason;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** What the engine has of this stream. */
  List<RequestQueue> queues() {
    lock.lock();
    try {
      return List.copyOf(queues);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      finished.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    engine.cancel(this);
  }
}
