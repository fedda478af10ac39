package dev.weft.kernels.engine;

import dev.weft.batching.schedule.Sequence;
import dev.weft.batching.schedule.Step;
import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.memory.MemoryBudgetException;
import dev.weft.kernels.sampling.LogitRows;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes the logits of steps, and finds out who is to blame when that fails. A step that failed
 * is computed again one sequence after the other: logits do not depend on what else a step holds,
 * so those who succeed go on with the bits that they would have had. Not thread-safe.
 */
final class StepRunner {
  private static final Logger LOG = LoggerFactory.getLogger(StepRunner.class);

  /** Tokens of a step that must succeed on an engine that works. */
  private static final int[] PROBES = {0, 1};

  /**
   * Who made a step fail.
   *
   * @param place of the sequence in the step
   * @param reason what was thrown the last time
   */
  record Culprit(int place, Throwable reason) {}

  private final Transformer transformer;
  private final int tries;
  private final StepBatch batch = new StepBatch();
  private final LogitRows logits;

  /** Of one sequence that is computed alone. */
  private final LogitRows own;

  private long failedSteps;

  StepRunner(Transformer transformer, int tries) {
    this.transformer = transformer;
    this.tries = tries;
    logits = new LogitRows(transformer.spec().vocabSize());
    own = new LogitRows(transformer.spec().vocabSize());
  }

  /** Logits of the last step, a row for each sequence that wants them. */
  LogitRows logits() {
    return logits;
  }

  /** Steps that failed and were computed again. */
  long failedSteps() {
    return failedSteps;
  }

  /**
   * Computes a step.
   *
   * @return the sequences that fail also alone, {@code tries} times in all; if there are any, the
   *     logits and what the step left in its pages are worth nothing. Mostly empty
   * @throws StackOverflowError and other errors that are nobody's fault; the engine cannot go on
   */
  List<Culprit> run(Step step) {
    try {
      batch.clear();
      for (int i = 0; i < step.sequences(); i++) {
        add(step, i);
      }
      transformer.forward(batch, logits);
      return List.of();
    } catch (RuntimeException | OutOfMemoryError e) {
      failedSteps++;
      LOG.warn(
          "a step of {} sequences failed; each of them is computed alone", step.sequences(), e);
      return runAlone(step, e);
    }
  }

  private List<Culprit> runAlone(Step step, Throwable first) {
    List<Culprit> culprits = new ArrayList<>();
    logits.clear();
    for (int i = 0; i < step.sequences(); i++) {
      Throwable reason = runAlone(step, i, first);
      if (reason == null) {
        logits.addAll(own);
      } else {
        culprits.add(new Culprit(i, reason));
      }
    }
    return culprits;
  }

  /** Null if it succeeds, or else what is thrown time and again. */
  private Throwable runAlone(Step step, int place, Throwable first) {
    Throwable last = first;
    // The step that failed was the first try.
    for (int tried = 1; tried < tries || tried == 1 && step.sequences() > 1; tried++) {
      try {
        batch.clear();
        add(step, place);
        transformer.forward(batch, own);
        return null;
      } catch (RuntimeException | OutOfMemoryError e) {
        last = e;
      }
    }
    return last;
  }

  /** Whether a step of one harmless token succeeds; overwrites page 0. */
  boolean isHealthy() {
    for (int token : PROBES) {
      try {
        batch.clear();
        batch.beginSequence(new int[] {0});
        batch.addToken(token, 0, 1);
        transformer.forward(batch, own);
        return true;
      } catch (RuntimeException | OutOfMemoryError e) {
        LOG.warn("a step with nothing but token {} failed too", token, e);
      }
    }
    return false;
  }

  private void add(Step step, int place) {
    Sequence sequence = step.sequence(place);
    int[] tokens = sequence.tokens();
    int end = step.from(place) + step.count(place);
    GenerationRequest request = ((Answer) sequence.handle()).request;
    int needed = step.logits(place) ? request.tokensNeeded() : 0;
    double span = request.logitSpan();
    batch.beginSequence(sequence.pageTable());
    for (int position = step.from(place); position < end; position++) {
      batch.addToken(tokens[position], position, position == end - 1 ? needed : 0, span);
    }
  }

  /** Whether memory ran out, also in a thread of the kernels or on a device. */
  static boolean isOutOfMemory(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause() == t ? null : t.getCause()) {
      if (t instanceof OutOfMemoryError || t instanceof MemoryBudgetException) {
        return true;
      }
    }
    return false;
  }
}
