package dev.weft.batching.schedule;

import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.Comparator;
import java.util.List;

/**
 * Decides which waiting sequence starts next, and how much of its prompt a step may take: memory
 * for all that runs until its end ({@link KvForecast}), the two sides of a blend, requests that go
 * before others because those have to wait, and the longest outputs at the end.
 */
final class Admission {
  private static final Side[] SIDES = Side.values();

  /**
   * Waiting requests of the memory side among which one is looked for that fits. They are
   * neighbours in the planned order, so their prefixes are too.
   */
  private static final int BACKFILL_WINDOW = 32;

  /**
   * Steps that what is left takes, over the fewest it could take. Longest outputs that start sooner
   * than need be run side by side, end together and leave the pool half empty before. Measured on
   * random tasks (LongestFirstTest): with 1 one-sided queues take 3% more steps than in planned
   * order, with 1.4 they take 2% less and two-sided ones 4% less, with 2 nothing is gained.
   */
  private static final double TAIL_SLACK = 1.4;

  private static final Comparator<RequestQueue> BY_HELD_PAGES =
      Comparator.comparingLong(RequestQueue::heldPages);

  private final StepLimits limits;
  private final PrefixCache cache;
  private final PagePool pool;
  private final SequencePages pages;
  private final KvForecast forecast;
  private final RunningSet running;
  private final List<RequestQueue> queues;
  private final Step step;

  /**
   * All are those of the scheduler.
   *
   * @param queues with something that waits; sorted here
   * @param step that is being composed
   */
  Admission(
      StepLimits limits,
      PrefixCache cache,
      SequencePages pages,
      RunningSet running,
      List<RequestQueue> queues,
      Step step) {
    this.limits = limits;
    this.cache = cache;
    this.pool = cache.pool();
    this.pages = pages;
    this.forecast = new KvForecast(pool, running.most());
    this.running = running;
    this.queues = queues;
    this.step = step;
  }

  /**
   * The next sequence to admit, with its shared pages attached, or null if none may be admitted
   * now: preempted ones first, then the queue that holds the fewest pages. No queue overtakes one
   * that waits for memory; the compute side of a blend, which has its own share of it, does not
   * wait for a preempted sequence of the memory side.
   *
   * @param back the preempted sequence that goes on next, or null
   */
  Sequence next(Sequence back) {
    if (back != null) {
      if (fits(back, 0)) {
        return back;
      }
      if (back.side == Side.COMPUTE || !back.queue.isBlending()) {
        return null;
      }
    }
    queues.sort(BY_HELD_PAGES);
    for (int i = 0; i < queues.size(); i++) {
      RequestQueue queue = queues.get(i);
      boolean blending = queue.isBlending();
      Sequence compute = blending ? queue.head(Side.COMPUTE) : first(queue, Side.COMPUTE);
      Sequence memory = back == null ? first(queue, Side.MEMORY) : null;
      long computePages = blending ? computePages(queue) : 0;
      long computeHeld = queue.heldPages(Side.COMPUTE);
      if (memory != null) {
        Sequence fitting = fitting(memory, (int) Math.max(0, computePages - computeHeld));
        if (fitting != null) {
          return fitting;
        }
      }
      boolean overShare = blending && memory != null && computeHeld >= computePages;
      boolean mayCompute = compute != null && !overShare && allowance(compute) > 0;
      if (mayCompute && fits(compute, 0)) {
        return compute;
      }
      if (mayCompute || (memory != null && !blending)) {
        return null;
      }
    }
    return null;
  }

  /**
   * The sequence of a side that is to be admitted next: that of the plan, or, when all that is left
   * takes no longer than the longest output that waits, the one with that output (the longest
   * processing time goes first, Graham 1969). Otherwise it would run on alone in the end. It may
   * cost a small part of the sharing, none if all that waits fits into memory.
   */
  private Sequence first(RequestQueue queue, Side side) {
    Sequence planned = queue.head(side);
    Sequence longest = planned == null ? null : queue.longest(side);
    if (longest == null || longest == planned || !isOverdue(longest)) {
      return planned;
    }
    if (pool.pagesFor(longest.length) + 1 > pool.pages()) {
      return planned;
    }
    if (!waitingFits()) {
      pages.attachShared(longest);
      boolean may = queue.maySpare(longest, longest.computed);
      pages.release(longest);
      if (!may) {
        return planned;
      }
    }
    return longest;
  }

  /** Whether a waiting sequence would outlast all other work if it does not start now. */
  private boolean isOverdue(Sequence sequence) {
    double tokenSteps = 0;
    double tokens = 0;
    double outputs = 0;
    for (int i = 0; i < queues.size(); i++) {
      RequestQueue queue = queues.get(i);
      if (queue.isFollowed()) {
        return false;
      }
      for (Side side : SIDES) {
        WaitingDemand waiting = queue.waiting(side);
        tokenSteps += waiting.tokenSteps();
        tokens += waiting.promptTokens() + waiting.outputTokens();
        outputs += waiting.outputTokens();
      }
    }
    double steps = sequence.plannedOutputTokens / TAIL_SLACK;
    if (steps < stepsLeft(tokenSteps, tokens, outputs)) {
      return false;
    }
    for (int i = 0; i < running.size(); i++) {
      Sequence other = running.get(i);
      double left = other.expectedRemainingTokens(other.queue.lengthFactor());
      double held = (double) (other.pages - other.attachedPages) * pool.pageTokens();
      tokenSteps += held * left + 0.5 * left * left;
      tokens += left;
      outputs += left;
    }
    return steps >= stepsLeft(tokenSteps, tokens, outputs);
  }

  /** Fewest steps that work takes: KV memory, steps or sequences are full in all of them. */
  private double stepsLeft(double tokenSteps, double tokens, double outputs) {
    double memory = tokenSteps / ((double) pool.pages() * pool.pageTokens());
    return Math.max(memory, Math.max(tokens / limits.budgetTokens(), outputs / running.most()));
  }

  /** Whether everything that waits fits into the free pages together. */
  private boolean waitingFits() {
    double tokens = 0;
    for (int i = 0; i < queues.size(); i++) {
      for (Side side : SIDES) {
        WaitingDemand waiting = queues.get(i).waiting(side);
        tokens += waiting.promptTokens() + waiting.outputTokens();
      }
    }
    return tokens <= (double) cache.availablePages() * pool.pageTokens();
  }

  /**
   * Prompt tokens that may be added to the step for a sequence, whatever is left of the budget. A
   * prompt that has begun gets a page in each step, however little is allowed.
   */
  int allowance(Sequence sequence) {
    if (sequence.side != Side.COMPUTE || step.sequences() == 0 || !sequence.queue.isBlending()) {
      return Integer.MAX_VALUE;
    }
    int least = sequence.state == Sequence.State.RUNNING ? pool.pageTokens() : 0;
    return Math.max(least, sequence.queue.computeAllowance(step));
  }

  /**
   * Pages of the compute side: its share by the memory equation, and at least room for the prompts
   * of two steps, since the equation counts only the time of decoding.
   */
  private long computePages(RequestQueue queue) {
    long least = Math.min(pool.pagesFor(2L * limits.budgetTokens()), pool.pages() / 4);
    return Math.max((long) (pool.pages() * queue.computeShare()), least);
  }

  /** The given sequence or one near the head of its run that fits, its shared pages attached. */
  private Sequence fitting(Sequence first, int reservedPages) {
    if (fits(first, reservedPages)) {
      return first;
    }
    Sequence[] run = first.queue.run(first.side);
    int tried = 1;
    int head = first.queue.head(first.side).position;
    for (int i = head; i < run.length && tried < BACKFILL_WINDOW; i++) {
      if (run[i] != null && run[i] != first) {
        tried++;
        int newPages = pool.pagesFor(run[i].length);
        // Pages that it shares are not counted here: whoever fits only with them waits.
        if (fitsLater(run[i], newPages, reservedPages) && fits(run[i], reservedPages)) {
          return run[i];
        }
      }
    }
    return null;
  }

  /** Whether a sequence fits now and for all we expect; if so its shared pages are attached. */
  private boolean fits(Sequence sequence, int reservedPages) {
    pages.attachShared(sequence);
    forecast.update(running, sequence.queue.arriving(sequence.side), sequence.queue.lengthFactor());
    int newPages = pool.pagesFor(sequence.length) - sequence.pages;
    boolean fits =
        cache.availablePages() - reservedPages >= newPages
            && (running.size() == 0 || fitsLater(sequence, newPages, reservedPages));
    if (!fits) {
      pages.release(sequence);
    }
    return fits;
  }

  private boolean fitsLater(Sequence sequence, int newPages, int reservedPages) {
    return forecast.peakPages(sequence, newPages) <= pool.pages() - reservedPages;
  }
}
