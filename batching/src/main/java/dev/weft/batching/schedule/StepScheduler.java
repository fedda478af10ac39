package dev.weft.batching.schedule;

import dev.weft.batching.kv.NextUse;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Continuous batching with chunked prefill, as pure logic: engine and simulator run this class.
 *
 * <p>The driver repeats: {@link #next()}; take what {@link #pollRejection()} returns; if the step
 * is not empty, run the forward pass and give every sequence with logits its {@link #append} (and
 * {@link #finish} when it is done), {@link #finish} or {@link #abort}. It stops when {@link
 * #isIdle()}. A step is empty only if the scheduler is idle or something was rejected.
 *
 * <p>A step takes the next token of every running sequence, then prompt tokens up to the budget.
 * Prompts are computed one after the other, a long one in chunks over several steps; the next
 * request is admitted only when the prompt before it is scheduled to its end. So at most one prompt
 * is half computed, every page that two prompts share is found by the second of them, and no shared
 * page is computed twice. Pages can be found as soon as they are scheduled.
 *
 * <p>A request is admitted if its prompt fits into the free pages and, by the estimated output
 * lengths, everything running together will fit at any time to come, with room for those to come
 * ({@link KvForecast}). On the memory side a shorter request that fits goes before a longer one
 * that has to wait. When pages run out all the same, the most recently admitted sequence gives up
 * its pages and is computed again later; it goes on before new requests of its side. A sequence
 * that does not fit even alone is rejected.
 *
 * <p>Not thread-safe: one thread drives it. Only {@link #submit} may be called by any thread.
 */
public final class StepScheduler {
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
  private final SharedReads sharedReads;
  private final KvForecast forecast;
  private final int maxRunning;
  private final ConcurrentLinkedQueue<RequestQueue> inbox = new ConcurrentLinkedQueue<>();
  private final List<RequestQueue> queues = new ArrayList<>();

  /** In the order of admission. */
  private final Sequence[] running;

  private int runningCount;

  /** Longest running first. */
  private final ArrayDeque<Sequence> preempted = new ArrayDeque<>();

  private final ArrayDeque<Rejection> rejections = new ArrayDeque<>();
  private final Step step = new Step();

  private long steps;
  private long prefillTokens;
  private long recomputedTokens;
  private long decodeTokens;
  private long sharedTokens;
  private long admitted;
  private long finished;
  private long aborted;
  private long rejected;
  private long preemptions;
  private long sideMoves;
  private int peakSequences;

  /** A scheduler for a backend in which every sequence reads its own K and V. */
  public StepScheduler(StepLimits limits, PrefixCache cache) {
    this(limits, cache, 1);
  }

  /**
   * @param sharedReadGroup most sequences for which the backend reads a shared page once, see
   *     {@link dev.weft.batching.cost.DeviceProfile}
   */
  public StepScheduler(StepLimits limits, PrefixCache cache, int sharedReadGroup) {
    this.limits = limits;
    this.cache = cache;
    pool = cache.pool();
    pages = new SequencePages(cache);
    sharedReads = new SharedReads(sharedReadGroup, pool.pages(), pool.pageTokens());
    cache.follow(this::nextTurn);
    maxRunning = Math.min(limits.maxSequences(), limits.budgetTokens());
    running = new Sequence[maxRunning];
    forecast = new KvForecast(pool, maxRunning);
  }

  /**
   * Hands a queue over to the scheduler; the next call of {@link #next()} sees it. Any thread may
   * call this; afterwards the caller must not touch the queue or its sequences.
   */
  public void submit(RequestQueue queue) {
    for (Side side : SIDES) {
      for (Sequence sequence : queue.run(side)) {
        pages.hashPrompt(sequence);
      }
    }
    queue.foresee();
    inbox.add(queue);
  }

  /** Whether nothing is running and nothing waits. Rejections may still be polled. */
  public boolean isIdle() {
    return runningCount == 0 && preempted.isEmpty() && queues.isEmpty() && inbox.isEmpty();
  }

  /** Sequences that are running now. */
  public int running() {
    return runningCount;
  }

  public PrefixCache cache() {
    return cache;
  }

  public StepLimits limits() {
    return limits;
  }

  /** The next sequence that was found unable to run, or null. */
  public Rejection pollRejection() {
    return rejections.poll();
  }

  /**
   * Composes the next step. The result is valid until the next call.
   *
   * @throws IllegalStateException if a sequence of the last step with logits got neither {@code
   *     append} nor {@code finish} nor {@code abort}
   */
  public Step next() {
    step.clear();
    for (int i = 0; i < runningCount; i++) {
      if (running[i].remaining() == 0) {
        throw new IllegalStateException(
            "a sequence of queue '"
                + running[i].queue.name()
                + "' was computed to its last token and got no append, finish or abort");
      }
    }
    acceptQueues();
    int budget = limits.budgetTokens() - scheduleDecodes(limits.budgetTokens());
    budget -= schedulePrefill(budget);
    admit(budget);
    count();
    return step;
  }

  /** Adds the token that was sampled for a sequence of the last step. */
  public void append(Sequence sequence, int token) {
    requireRunning(sequence, "append to");
    sequence.addToken(token);
    if (sequence.generatedTokens() > sequence.estimatedOutputTokens) {
      sequence.reestimate(pool.pageTokens());
      sideMoves += sequence.queue.reestimated(sequence) ? 1 : 0;
    }
  }

  /** Ends a running sequence; its pages go back, full ones stay findable. */
  public void finish(Sequence sequence) {
    requireRunning(sequence, "finish");
    finished++;
    end(sequence);
  }

  /** Ends a sequence that is running or waiting; does nothing if it has ended. */
  public void abort(Sequence sequence) {
    if (sequence.state != Sequence.State.ENDED) {
      aborted++;
      end(sequence);
    }
  }

  /** Aborts everything of a queue, even if it is submitted only later. */
  public void cancel(RequestQueue queue) {
    queue.cancelled = true;
    acceptQueues();
    for (int i = runningCount - 1; i >= 0; i--) {
      if (running[i].queue == queue) {
        abort(running[i]);
      }
    }
    for (Sequence sequence : List.copyOf(preempted)) {
      if (sequence.queue == queue) {
        abort(sequence);
      }
    }
    dropWaiting(queue);
  }

  /**
   * Takes back everything that was computed, and forgets all shared pages: all that runs is
   * computed again, to the same tokens. For when a step failed and what it left in the pages is in
   * doubt.
   */
  public void startOver() {
    while (runningCount > 0) {
      preempt(running[runningCount - 1]);
    }
    cache.clear();
  }

  /**
   * Ends everything of a queue that is not running: preempted and waiting sequences.
   *
   * @return how many there were
   */
  public int handBack(RequestQueue queue) {
    acceptQueues();
    int before = queue.open();
    for (Sequence sequence : List.copyOf(preempted)) {
      if (sequence.queue == queue) {
        abort(sequence);
      }
    }
    dropWaiting(queue);
    return before - queue.open();
  }

  public SchedulerStatistics statistics() {
    return new SchedulerStatistics(
        steps,
        prefillTokens,
        recomputedTokens,
        decodeTokens,
        sharedTokens,
        admitted,
        finished,
        aborted,
        rejected,
        preemptions,
        sideMoves,
        cache.lookups(),
        cache.hits(),
        cache.evictions(),
        peakSequences,
        pool.peakUsedPages());
  }

  private void acceptQueues() {
    for (RequestQueue queue = inbox.poll(); queue != null; queue = inbox.poll()) {
      if (queue.open() == 0) {
        continue;
      }
      queues.add(queue);
      if (queue.cancelled) {
        dropWaiting(queue);
      }
    }
  }

  /** When a page is needed next if the queues go on as fast as each other. */
  private long nextTurn(long hash) {
    long turns = NextUse.NEVER;
    for (int i = 0; i < queues.size(); i++) {
      turns = Math.min(turns, queues.get(i).plannedPages().turnsUntil(hash));
    }
    return turns == NextUse.NEVER ? turns : admitted + turns * queues.size();
  }

  private void dropWaiting(RequestQueue queue) {
    for (Side side : SIDES) {
      for (Sequence sequence : queue.run(side)) {
        if (sequence != null) {
          abort(sequence);
        }
      }
    }
  }

  private int scheduleDecodes(int budget) {
    int left = budget;
    int i = 0;
    while (i < runningCount && left > 0) {
      Sequence sequence = running[i];
      if (!sequence.isPrefilling()) {
        int tokens = Math.min(left, sequence.remaining());
        if (!makeRoom(i, tokens)) {
          continue;
        }
        schedule(sequence, tokens);
        sharedReads.read(sequence);
        left -= tokens;
      }
      i++;
    }
    step.readTogether(sharedReads.savedTokens());
    return budget - left;
  }

  /**
   * Gets the pages for a decode, at the cost of the most recently admitted if need be.
   *
   * @return false if the sequence is not running any more
   */
  private boolean makeRoom(int index, int tokens) {
    Sequence sequence = running[index];
    int needed = pool.pagesFor(sequence.computed + tokens);
    while (pages.growTo(sequence, needed) < needed) {
      if (runningCount == 1) {
        reject(sequence, Rejection.Reason.OUTPUT_EXCEEDS_POOL, needed);
        return false;
      }
      Sequence youngest = youngestFrom(index);
      preempt(youngest);
      if (youngest == sequence) {
        return false;
      }
    }
    return true;
  }

  /**
   * Of the sequences that are not scheduled in this step yet, the one that was first admitted last;
   * a preempted one keeps its age.
   */
  private Sequence youngestFrom(int index) {
    Sequence youngest = running[index];
    for (int i = index + 1; i < runningCount; i++) {
      if (running[i].admission > youngest.admission) {
        youngest = running[i];
      }
    }
    return youngest;
  }

  /** Goes on with the prompt that is half computed, if there is one. */
  private int schedulePrefill(int budget) {
    if (runningCount == 0 || !running[runningCount - 1].isPrefilling()) {
      return 0;
    }
    Sequence sequence = running[runningCount - 1];
    return scheduleChunk(sequence, Math.min(budget, allowance(sequence)));
  }

  private int scheduleChunk(Sequence sequence, int budget) {
    int tokens = Math.min(budget, sequence.prefillTarget - sequence.computed);
    if (tokens > 0) {
      int held = pages.growTo(sequence, pool.pagesFor(sequence.computed + tokens));
      long room = (long) held * pool.pageTokens();
      tokens = (int) Math.min(tokens, room - sequence.computed);
    }
    if (tokens > 0) {
      schedule(sequence, tokens);
    }
    return tokens;
  }

  private void schedule(Sequence sequence, int tokens) {
    step.add(sequence, tokens);
    sequence.computed += tokens;
    sequence.computedBefore = Math.max(sequence.computedBefore, sequence.computed);
    pages.registerFull(sequence);
  }

  private void admit(int budget) {
    int left = budget;
    while (left > 0 && runningCount < maxRunning && !lastIsPrefilling()) {
      Sequence sequence = nextAdmitted();
      if (sequence == null) {
        return;
      }
      takeOut(sequence);
      start(sequence);
      left -= scheduleChunk(sequence, Math.min(left, allowance(sequence)));
    }
  }

  /**
   * The next sequence to admit, with its shared pages attached, or null if none may be admitted
   * now: preempted ones first, then the queue that holds the fewest pages. No queue overtakes one
   * that waits for memory; the compute side of a blend, which has its own share of it, does not
   * wait for a preempted sequence of the memory side.
   */
  private Sequence nextAdmitted() {
    rejectTooLarge();
    Sequence back = preempted.peekFirst();
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
    for (int i = 0; i < runningCount; i++) {
      double left = running[i].expectedRemainingTokens(running[i].queue.lengthFactor());
      double held = (double) (running[i].pages - running[i].attachedPages) * pool.pageTokens();
      tokenSteps += held * left + 0.5 * left * left;
      tokens += left;
      outputs += left;
    }
    return steps >= stepsLeft(tokenSteps, tokens, outputs);
  }

  /** Fewest steps that work takes: KV memory, steps or sequences are full in all of them. */
  private double stepsLeft(double tokenSteps, double tokens, double outputs) {
    double memory = tokenSteps / ((double) pool.pages() * pool.pageTokens());
    return Math.max(memory, Math.max(tokens / limits.budgetTokens(), outputs / maxRunning));
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
  private int allowance(Sequence sequence) {
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
    forecast.update(
        running,
        runningCount,
        sequence.queue.arriving(sequence.side),
        sequence.queue.lengthFactor());
    int newPages = pool.pagesFor(sequence.length) - sequence.pages;
    boolean fits =
        cache.availablePages() - reservedPages >= newPages
            && (runningCount == 0 || fitsLater(sequence, newPages, reservedPages));
    if (!fits) {
      pages.release(sequence);
    }
    return fits;
  }

  private boolean fitsLater(Sequence sequence, int newPages, int reservedPages) {
    return forecast.peakPages(sequence, newPages) <= pool.pages() - reservedPages;
  }

  /** Rejects whatever is next but larger than the pool. */
  private void rejectTooLarge() {
    while (!preempted.isEmpty() && pool.pagesFor(preempted.peekFirst().length) > pool.pages()) {
      Sequence sequence = preempted.peekFirst();
      reject(sequence, Rejection.Reason.OUTPUT_EXCEEDS_POOL, pool.pagesFor(sequence.length));
    }
    for (int i = queues.size() - 1; i >= 0; i--) {
      RequestQueue queue = queues.get(i);
      for (Side side : SIDES) {
        Sequence head = queue.head(side);
        while (head != null && pool.pagesFor(head.length) + 1 > pool.pages()) {
          reject(head, Rejection.Reason.PROMPT_EXCEEDS_POOL, pool.pagesFor(head.length) + 1);
          head = queue.head(side);
        }
      }
    }
  }

  private boolean lastIsPrefilling() {
    return runningCount > 0 && running[runningCount - 1].isPrefilling();
  }

  private void takeOut(Sequence sequence) {
    if (sequence.queued) {
      if (sequence == sequence.queue.longest(sequence.side)
          && sequence != sequence.queue.head(sequence.side)) {
        sequence.queue.spare(sequence, sequence.computed);
      }
      sequence.queue.remove(sequence);
    } else {
      preempted.remove(sequence);
    }
  }

  private void start(Sequence sequence) {
    sequence.state = Sequence.State.RUNNING;
    sequence.prefillTarget = sequence.length;
    sequence.queue.hold(sequence);
    running[runningCount++] = sequence;
    peakSequences = Math.max(peakSequences, runningCount);
    pages.countLookups(sequence);
    if (sequence.preemptions == 0) {
      sequence.admission = admitted++;
    }
    int found = sequence.computed - sequence.computedBefore;
    if (found > 0) {
      sequence.computedBefore = sequence.computed;
      sequence.sharedTokens += found;
      step.addShared(found);
      sharedTokens += found;
    }
  }

  private void preempt(Sequence sequence) {
    leave(sequence);
    sequence.preemptions++;
    preemptions++;
    preempted.addFirst(sequence);
  }

  private void reject(Sequence sequence, Rejection.Reason reason, int neededPages) {
    rejected++;
    end(sequence);
    rejections.add(new Rejection(sequence, reason, neededPages, pool.pages()));
  }

  private void end(Sequence sequence) {
    if (sequence.state == Sequence.State.RUNNING) {
      leave(sequence);
    } else {
      takeOut(sequence);
    }
    sequence.state = Sequence.State.ENDED;
    sequence.queue.ended(sequence);
    if (sequence.queue.open() == 0) {
      queues.remove(sequence.queue);
    }
  }

  /** Takes a sequence out of the running ones and gives back its pages. */
  private void leave(Sequence sequence) {
    int at = runningCount - 1;
    while (running[at] != sequence) {
      at--;
    }
    System.arraycopy(running, at + 1, running, at, runningCount - at - 1);
    running[--runningCount] = null;
    sequence.queue.letGo(sequence);
    sharedReads.stop(sequence);
    pages.release(sequence);
    sequence.state = Sequence.State.WAITING;
  }

  private void count() {
    if (step.sequences() > 0) {
      steps++;
      prefillTokens += step.prefillTokens() - step.recomputedTokens();
      recomputedTokens += step.recomputedTokens();
      decodeTokens += step.decodeTokens();
    }
  }

  private static void requireRunning(Sequence sequence, String action) {
    if (sequence.state != Sequence.State.RUNNING) {
      throw new IllegalStateException(
          "cannot " + action + " a sequence that is " + sequence.state + ", only RUNNING ones");
    }
  }
}
