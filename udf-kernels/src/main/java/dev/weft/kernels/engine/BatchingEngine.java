package dev.weft.kernels.engine;

import dev.weft.batching.schedule.RequestQueue;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeter;
import dev.weft.kernels.energy.EnergyMeters;
import java.io.IOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The engine: its thread, its mailbox and its streams. */
final class BatchingEngine implements Engine {
  private static final Logger LOG = LoggerFactory.getLogger(BatchingEngine.class);
  private static final AtomicInteger NUMBERS = new AtomicInteger();

  private sealed interface Message {
    /** There may be work. */
    enum Wake implements Message {
      WAKE
    }

    /** The engine ends. */
    enum Stop implements Message {
      STOP
    }

    /** What does not run yet goes back to its submitter. */
    enum Drain implements Message {
      DRAIN
    }

    record Cancel(EngineStream stream) implements Message {}
  }

  private final EngineConfig config;
  private final EngineParts parts;
  private final EnergyMeter meter;
  private final StepRows rows;
  private final EngineLoop loop;
  private final Thread thread;
  private final StepWatchdog watchdog;
  private final LinkedBlockingQueue<Message> mailbox = new LinkedBlockingQueue<>();
  private final Set<EngineStream> streams = ConcurrentHashMap.newKeySet();
  private final AtomicInteger streamNumbers = new AtomicInteger();
  private final AtomicLong invalidRequests = new AtomicLong();

  /** Why nothing runs here any more; null while it does. */
  private volatile EngineException ended;

  /** Whether requests that do not run yet are handed back. */
  private volatile boolean draining;

  private volatile EngineTotals totals;

  BatchingEngine(EngineConfig config, EngineParts parts, EnergyMeter meter) {
    this.config = config;
    this.parts = parts;
    this.meter = meter;
    this.rows = new StepRows(config.stepMetricsEvery());
    this.loop = new EngineLoop(config, parts, meter, rows);
    this.totals = loop.totals();
    this.thread =
        Thread.ofPlatform()
            .daemon(true)
            .name("weft-engine-" + NUMBERS.incrementAndGet())
            .unstarted(this::run);
    this.watchdog = new StepWatchdog(loop, config.stepTimeoutSeconds(), this::hung);
  }

  /** Opens what an engine needs, and starts it. */
  static Engine open(EngineConfig config) {
    return open(config, EnergyMeters.detect(EnergyConfig.ofCpu()));
  }

  static Engine open(EngineConfig config, EnergyMeter meter) {
    return open(config, meter, null);
  }

  /**
   * @param meter closed with the engine
   * @param backend null for the one that the configuration names
   */
  static Engine open(EngineConfig config, EnergyMeter meter, BackendProvider backend) {
    EngineParts parts = null;
    try {
      parts = EngineParts.open(config, backend);
      for (String warning : parts.info().warnings()) {
        LOG.warn("{}", warning);
      }
      var engine = new BatchingEngine(config, parts, meter);
      engine.thread.start();
      engine.watchdog.start(engine.thread.getName() + "-watchdog");
      return engine;
    } catch (Throwable e) {
      meter.close();
      if (parts != null) {
        parts.close();
      }
      throw e;
    }
  }

  private void run() {
    EngineException reason = new EngineException("the engine was closed");
    try {
      // A step that was taken for hung may end after all: then only its memory is left to free.
      while (ended == null && serve()) {
        if (!isIdle()) {
          loop.step();
          totals = loop.totals();
          loop.deliver();
        }
      }
    } catch (Throwable e) {
      LOG.error("the engine on {} failed", config.model(), e);
      reason =
          new EngineException(
              StepRunner.isOutOfMemory(e)
                  ? EngineException.Kind.OUT_OF_MEMORY
                  : EngineException.Kind.FAILED,
              "the engine failed and is closed, open another one: " + describe(e),
              e,
              loop.rowsInStep());
    }
    watchdog.close();
    end(reason);
    try {
      parts.close();
      meter.close();
    } catch (RuntimeException e) {
      LOG.warn("the memory of the engine on {} could not be freed", config.model(), e);
    }
  }

  private synchronized void end(EngineException reason) {
    if (ended == null) {
      ended = reason;
    }
    for (EngineStream stream : streams) {
      stream.fail(ended);
    }
  }

  /** Called by the watchdog. The thread cannot be ended; whoever waits for it is told. */
  private void hung(double seconds) {
    long[] rows = loop.rowsInStep();
    StringBuilder stacks = new StringBuilder();
    for (StackTraceElement frame : thread.getStackTrace()) {
      stacks.append(System.lineSeparator()).append("    at ").append(frame);
    }
    LOG.error(
        "the engine on {} has computed one step of {} sequences for {} s and is given up; its thread {} is at{}",
        config.model(),
        rows.length,
        Math.round(seconds),
        thread.getName(),
        stacks);
    end(
        new EngineException(
            EngineException.Kind.HUNG,
            "a step of %d sequences did not end within %.0f s; its thread and memory are lost until it does"
                .formatted(rows.length, seconds),
            null,
            rows));
  }

  /** Does what the mailbox says, waiting for something if there is no work; false to end. */
  private boolean serve() throws InterruptedException {
    Message message = mailbox.poll();
    if (message == null && isIdle()) {
      message = mailbox.take();
      loop.resume();
    }
    while (message != null) {
      switch (message) {
        case Message.Wake _ -> {}
        case Message.Stop _ -> {
          return false;
        }
        case Message.Drain _ -> streams.forEach(this::handBack);
        case Message.Cancel cancel -> cancel.stream().queues().forEach(loop::cancel);
      }
      message = mailbox.poll();
    }
    return true;
  }

  private void handBack(EngineStream stream) {
    for (RequestQueue queue : stream.queues()) {
      stream.handedBack(loop.handBack(queue));
    }
  }

  /** Nothing to compute, or nobody who takes the results. */
  private boolean isIdle() {
    if (loop.isIdle()) {
      return true;
    }
    for (EngineStream stream : streams) {
      if (!stream.isFull()) {
        return false;
      }
    }
    return !streams.isEmpty();
  }

  private static String describe(Throwable e) {
    return e.getMessage() == null
        ? e.toString()
        : e.getClass().getSimpleName() + ": " + e.getMessage();
  }

  @Override
  public ResultStream submit(Iterator<VectorSchemaRoot> requests, BufferAllocator allocator) {
    return submit(requests, allocator, config.lookaheadRequests());
  }

  @Override
  public ResultStream submit(
      Iterator<VectorSchemaRoot> requests, BufferAllocator allocator, int lookaheadRequests) {
    requireRunning();
    var stream =
        new EngineStream(
            this,
            config,
            Math.min(lookaheadRequests, config.lookaheadRequests()),
            "stream " + streamNumbers.incrementAndGet(),
            requests,
            new RequestReader(
                parts.info().vocabularySize(), parts.contextTokens(), config.jobSeed()),
            new BatchWriter(parts.tokenizer(), allocator),
            rows);
    streams.add(stream);
    if (ended != null) {
      stream.fail(ended);
    }
    return stream;
  }

  @Override
  public ResultStream submit(ArrowReader requests, BufferAllocator allocator) {
    return submit(new ReaderBatches(requests), allocator);
  }

  /** Called by readers, with the stream's lock held. */
  void submit(RequestQueue queue) {
    loop.submit(queue);
    mailbox.add(draining ? Message.Drain.DRAIN : Message.Wake.WAKE);
  }

  @Override
  public void drain() {
    draining = true;
    mailbox.add(Message.Drain.DRAIN);
  }

  boolean isDraining() {
    return draining;
  }

  void wake() {
    mailbox.add(Message.Wake.WAKE);
  }

  void cancel(EngineStream stream) {
    streams.remove(stream);
    mailbox.add(new Message.Cancel(stream));
  }

  /** Takes note that a stream was read to its end. */
  void ended(EngineStream stream) {
    streams.remove(stream);
  }

  void countInvalid(int requests) {
    invalidRequests.addAndGet(requests);
  }

  String energySource() {
    return meter.source().name();
  }

  /** KV pages in use; exact only while nothing runs. */
  int usedPages() {
    return loop.usedPages();
  }

  @Override
  public EngineInfo info() {
    return parts.info();
  }

  @Override
  public EngineTotals totals() {
    return totals.plusInvalid(invalidRequests.get());
  }

  @Override
  public void close() {
    mailbox.add(Message.Stop.STOP);
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread && !isHung()) {
      try {
        thread.join(200);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether its thread is lost; it frees what it holds if it ever comes back. */
  private boolean isHung() {
    EngineException reason = ended;
    return reason != null && reason.kind() == EngineException.Kind.HUNG;
  }

  private void requireRunning() {
    EngineException reason = ended;
    if (reason != null) {
      throw new EngineException(reason.getMessage(), reason);
    }
  }

  /** An Arrow reader as an iterator. */
  private static final class ReaderBatches implements Iterator<VectorSchemaRoot> {
    private final ArrowReader reader;
    private boolean loaded;

    ReaderBatches(ArrowReader reader) {
      this.reader = reader;
    }

    @Override
    public boolean hasNext() {
      try {
        loaded = loaded || reader.loadNextBatch();
        return loaded;
      } catch (IOException e) {
        throw new EngineException("cannot read the batches of requests: " + e.getMessage(), e);
      }
    }

    @Override
    public VectorSchemaRoot next() {
      if (!hasNext()) {
        throw new NoSuchElementException("no more batches of requests");
      }
      loaded = false;
      try {
        return reader.getVectorSchemaRoot();
      } catch (IOException e) {
        throw new EngineException("cannot read the batches of requests: " + e.getMessage(), e);
      }
    }
  }
}
