package dev.weft.batching.schedule;

import dev.weft.batching.kv.NextUse;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.ArrayDeque;
import java.util.ArrayList;
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
 * ({@link Admission}). On the memory side a shorter request that fits goes before a longer one that
 * has to wait. When pages run out all the same, the most recently admitted sequence gives up its
 * pages and is computed again later; it goes on before new requests of its side. A sequence that
 * does not fit even alone is rejected.
 *
 * <p>Not thread-safe: one thread drives it. Only {@link #submit} may be called by any thread.
 */
public final class StepScheduler {
  private static final Side[] SIDES = Side.values();

  private final StepLimits limits;
  private final PrefixCache cache;
  private final PagePool pool;
  private final SequencePages pages;
  private final SharedReads sharedReads;
  private final ConcurrentLinkedQueue<RequestQueue> inbox = new ConcurrentLinkedQueue<>();
  private final List<RequestQueue> queues = new ArrayList<>();

  private final RunningSet running;
  private final Admission admission;

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
    running = new RunningSet(Math.min(limits.maxSequences(), limits.budgetTokens()));
    admission = new Admission(limits, cache, pages, running, queues, step);
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
    return running.size() == 0 && preempted.isEmpty() && queues.isEmpty() && inbox.isEmpty();
  }

  /** Sequences that are running now. */
  public int running() {
    return running.size();
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
    for (int i = 0; i < running.size(); i++) {
      if (running.get(i).remaining() == 0) {
        throw new IllegalStateException(
            "a sequence of queue '"
                + running.get(i).queue.name()
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
    for (int i = running.size() - 1; i >= 0; i--) {
      if (running.get(i).queue == queue) {
        abort(running.get(i));
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
    while (running.size() > 0) {
      preempt(running.last());
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
    while (i < running.size() && left > 0) {
      Sequence sequence = running.get(i);
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
    Sequence sequence = running.get(index);
    int needed = pool.pagesFor(sequence.computed + tokens);
    while (pages.growTo(sequence, needed) < needed) {
      if (running.size() == 1) {
        reject(sequence, Rejection.Reason.OUTPUT_EXCEEDS_POOL, needed);
        return false;
      }
      Sequence youngest = running.youngestFrom(index);
      preempt(youngest);
      if (youngest == sequence) {
        return false;
      }
    }
    return true;
  }

  /** Goes on with the prompt that is half computed, if there is one. */
  private int schedulePrefill(int budget) {
    if (!running.lastIsPrefilling()) {
      return 0;
    }
    Sequence sequence = running.last();
    return scheduleChunk(sequence, Math.min(budget, admission.allowance(sequence)));
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
    while (left > 0 && !running.isFull() && !running.lastIsPrefilling()) {
      rejectTooLarge();
      Sequence sequence = admission.next(preempted.peekFirst());
      if (sequence == null) {
        return;
      }
      takeOut(sequence);
      start(sequence);
      left -= scheduleChunk(sequence, Math.min(left, admission.allowance(sequence)));
    }
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
    running.add(sequence);
    peakSequences = Math.max(peakSequences, running.size());
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
    running.remove(sequence);
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
