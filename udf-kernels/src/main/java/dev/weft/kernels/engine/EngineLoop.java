package dev.weft.kernels.engine;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import dev.weft.batching.schedule.Rejection;
import dev.weft.batching.schedule.RequestQueue;
import dev.weft.batching.schedule.SchedulerStatistics;
import dev.weft.batching.schedule.Sequence;
import dev.weft.batching.schedule.Step;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.schedule.StepScheduler;
import dev.weft.kernels.energy.EnergyMeter;
import dev.weft.kernels.forward.Transformer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs steps: schedule, compute, sample, account. Owned by the engine's thread, but for {@link
 * #submit}.
 */
final class EngineLoop {
  private final StepRunner runner;
  private final StepScheduler scheduler;
  private final TokenChooser chooser;
  private final EnergyMeter meter;
  private final StepCosts costs;
  private final StepRows rows;
  private final CostModel costModel;
  private final Totals totals = new Totals();

  /** Sequences that have been submitted and whose end was not delivered. */
  private final AtomicInteger open = new AtomicInteger();

  private final List<Answer> ended = new ArrayList<>();
  private SchedulerStatistics statistics;
  private double joules;

  /** End of the last step, or of the pause after it. */
  private long busySince = System.nanoTime();

  private long steps;
  private Step current;
  private double predictedSeconds;

  /** Written after the two above: number of the step that is being computed, from 1; 0 for none. */
  private volatile long computing;

  EngineLoop(EngineConfig config, EngineParts parts, EnergyMeter meter, StepRows rows) {
    Transformer transformer = parts.transformer();
    this.runner = new StepRunner(transformer, config.tries());
    this.meter = meter;
    this.rows = rows;
    this.costModel = config.costModel();
    this.costs = new StepCosts(transformer.spec());
    this.chooser = new TokenChooser(transformer.spec().vocabSize(), parts.tokenizer());
    this.scheduler =
        new StepScheduler(
            new StepLimits(config.budgetTokens(), config.maxSequences()),
            new PrefixCache(new PagePool(parts.info().kvPages(), config.pageTokens())),
            costModel == null ? 1 : costModel.device().sharedReadGroup());
    this.statistics = scheduler.statistics();
  }

  /** Gives requests to the scheduler; any thread may. */
  void submit(RequestQueue queue) {
    open.addAndGet(queue.open());
    scheduler.submit(queue);
  }

  boolean isIdle() {
    return scheduler.isIdle();
  }

  void cancel(RequestQueue queue) {
    open.addAndGet(-queue.open());
    scheduler.cancel(queue);
  }

  /** Ends what does not run yet of a queue, without an answer. */
  int handBack(RequestQueue queue) {
    int count = scheduler.handBack(queue);
    open.addAndGet(-count);
    return count;
  }

  /** Number of the step that is being computed, from 1; 0 if none is. Any thread may ask. */
  long computing() {
    return computing;
  }

  /** What the cost model says of the step that is being computed; NaN without one. */
  double predictedSeconds() {
    return predictedSeconds;
  }

  /** Rows of the requests in the step that is, or was last, computed. */
  long[] rowsInStep() {
    Step step = current;
    long[] rows = new long[step == null ? 0 : step.sequences()];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = ((Answer) step.sequence(i).handle()).row;
    }
    return rows;
  }

  /** After a pause, whose energy belongs to no request and whose time to no step. */
  void resume() {
    joules = meter.joules();
    busySince = System.nanoTime();
  }

  /** KV pages that are in use now. */
  int usedPages() {
    return scheduler.cache().pool().usedPages();
  }

  EngineTotals totals() {
    return totals.snapshot(statistics, runner.failedSteps(), meter.source().name());
  }

  /** Runs one step; {@link #deliver()} gives what ended in it to its streams. */
  void step() {
    long start = System.nanoTime();
    Step step = scheduler.next();
    for (Rejection r = scheduler.pollRejection(); r != null; r = scheduler.pollRejection()) {
      Answer answer = (Answer) r.sequence().handle();
      answer.sharedTokens = r.sequence().sharedTokens();
      answer.fail(EngineError.KV_CACHE_TOO_SMALL, r.message());
      ended.add(answer);
    }
    if (step.sequences() > 0) {
      if (compute(step)) {
        sample(step, start);
        account(step);
      }
    }
    for (int i = 0; i < ended.size(); i++) {
      totals.countEnded(ended.get(i).error != null);
    }
  }

  /** Gives what has ended to its streams. Whoever has the last answer finds its step counted. */
  void deliver() {
    for (int i = 0; i < ended.size(); i++) {
      deliver(ended.get(i));
    }
    ended.clear();
  }

  /** Computes a step; false if someone in it made it fail: then nothing came of it. */
  private boolean compute(Step step) {
    current = step;
    predictedSeconds = predict(step);
    computing = steps + 1;
    List<StepRunner.Culprit> culprits;
    try {
      culprits = runner.run(step);
    } finally {
      computing = 0;
    }
    if (culprits.isEmpty()) {
      return true;
    }
    expel(step, culprits);
    return false;
  }

  /** Ends those who make steps fail with an error; the others are computed again. */
  private void expel(Step step, List<StepRunner.Culprit> culprits) {
    long[] rows = rowsInStep();
    for (StepRunner.Culprit culprit : culprits) {
      Sequence sequence = step.sequence(culprit.place());
      Answer answer = (Answer) sequence.handle();
      boolean memory = StepRunner.isOutOfMemory(culprit.reason());
      answer.sharedTokens = sequence.sharedTokens();
      answer.fail(
          memory ? EngineError.ENGINE_OUT_OF_MEMORY : EngineError.ENGINE_FAILED,
          "the engine failed on this request time and again, also alone: " + culprit.reason());
      scheduler.abort(sequence);
      ended.add(answer);
    }
    scheduler.startOver();
    if (!runner.isHealthy()) {
      // Nobody in this step is to blame: no request may become an error row for it.
      ended.clear();
      Throwable reason = culprits.getFirst().reason();
      throw new EngineException(
          StepRunner.isOutOfMemory(reason)
              ? EngineException.Kind.OUT_OF_MEMORY
              : EngineException.Kind.FAILED,
          "steps fail whatever they hold: " + reason,
          reason,
          rows);
    }
  }

  private double predict(Step step) {
    return costModel == null
        ? Double.NaN
        : costModel.stepSeconds(
            step.tokens(), step.logitTokens(), step.prefillPairs(), step.kvTokensRead());
  }

  private void sample(Step step, long start) {
    long now = System.nanoTime();
    int row = 0;
    for (int i = 0; i < step.sequences(); i++) {
      Sequence sequence = step.sequence(i);
      Answer answer = (Answer) sequence.handle();
      answer.countComputed(step.from(i), step.count(i), start);
      if (!step.logits(i)) {
        continue;
      }
      if (answer.firstTokenNanos == 0) {
        answer.firstTokenNanos = now;
      }
      int token = choose(answer, sequence, row++);
      if (token == TokenChooser.FAILED) {
        scheduler.abort(sequence);
      } else if (token == TokenChooser.FINISHED) {
        scheduler.finish(sequence);
      } else {
        scheduler.append(sequence, token);
        continue;
      }
      answer.sharedTokens = sequence.sharedTokens();
      ended.add(answer);
    }
  }

  private int choose(Answer answer, Sequence sequence, int row) {
    try {
      return chooser.choose(answer, sequence, runner.logits(), row);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      // Whatever it is about this one request, the others go on.
      answer.fail(
          e instanceof OutOfMemoryError
              ? EngineError.ENGINE_OUT_OF_MEMORY
              : EngineError.ENGINE_FAILED,
          "the engine failed on this request: " + e);
      return TokenChooser.FAILED;
    }
  }

  private void account(Step step) {
    SchedulerStatistics before = statistics;
    statistics = scheduler.statistics();
    double now = meter.joules();
    double stepJoules = now - joules;
    joules = now;
    costs.share(step, stepJoules);
    double predicted = predictedSeconds;
    long computeSide = totals.sideTokens(Side.COMPUTE);
    long memorySide = totals.sideTokens(Side.MEMORY);
    long end = System.nanoTime();
    double seconds = (end - busySince) * 1e-9;
    busySince = end;
    totals.countStep(step, seconds, predicted, stepJoules);
    long number = steps++;
    if (rows.wants(number)) {
      rows.add(
          new StepRow(
              number,
              TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()) - (long) (seconds * 1e6),
              seconds,
              predicted,
              step.prefillTokens(),
              step.decodeTokens(),
              step.logitTokens(),
              step.prefillPairs(),
              step.kvTokensRead(),
              (int) (totals.sideTokens(Side.COMPUTE) - computeSide),
              (int) (totals.sideTokens(Side.MEMORY) - memorySide),
              step.sharedTokens(),
              step.recomputedTokens(),
              step.sequences(),
              open.get() - ended.size() - scheduler.running(),
              usedPages(),
              scheduler.cache().pool().pages(),
              (int) (statistics.preemptions() - before.preemptions()),
              (int) (statistics.pageHits() - before.pageHits()),
              (int) (statistics.pageLookups() - before.pageLookups()),
              stepJoules,
              meter.source().name()));
    }
  }

  private void deliver(Answer answer) {
    answer.endedNanos = System.nanoTime();
    answer.energySource = meter.source().name();
    open.decrementAndGet();
    answer.stream.put(answer);
  }
}
