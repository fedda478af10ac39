package dev.weft.batching.schedule;

import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
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
 * lengths, everything running together will fit at any time to come. When pages run out all the
 * same, the most recently admitted sequence gives up its pages and is computed again later; it goes
 * on before new requests. A sequence that does not fit even alone is rejected.
 *
 * <p>Not thread-safe: one thread drives it. Only {@link #submit} may be called by any thread.
 */
public final class StepScheduler {
  private final StepLimits limits;
  private final PrefixCache cache;
  private final PagePool pool;
  private final int pageTokens;
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
  private final long[] ends;

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

  public StepScheduler(StepLimits limits, PrefixCache cache) {
    this.limits = limits;
    this.cache = cache;
    pool = cache.pool();
    pageTokens = pool.pageTokens();
    maxRunning = Math.min(limits.maxSequences(), limits.budgetTokens());
    running = new Sequence[maxRunning];
    ends = new long[maxRunning];
  }

  /**
   * Hands a queue over to the scheduler; the next call of {@link #next()} sees it. Any thread may
   * call this; afterwards the caller must not touch the queue or its sequences.
   */
  public void submit(RequestQueue queue) {
    for (Side side : Side.values()) {
      for (Sequence sequence : queue.run(side)) {
        hashPrompt(sequence);
      }
    }
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
      // Longer than estimated: expect a quarter more, so that the estimate changes log times.
      int more = Math.max(pageTokens, sequence.generatedTokens() / 4);
      sequence.estimatedOutputTokens =
          (int)
              Math.max(
                  sequence.generatedTokens(),
                  Math.min((long) sequence.generatedTokens() + more, sequence.maxOutputTokens));
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
      for (Side side : Side.values()) {
        for (Sequence sequence : queue.run(side)) {
          plan(sequence, 1);
        }
      }
      if (queue.cancelled) {
        dropWaiting(queue);
      }
    }
  }

  private void dropWaiting(RequestQueue queue) {
    for (Side side : Side.values()) {
      for (Sequence sequence : queue.run(side)) {
        if (sequence != null) {
          abort(sequence);
        }
      }
    }
  }

  private int scheduleDecodes(int budget) {
    int left = budget;
    for (int i = 0; i < runningCount && left > 0; i++) {
      Sequence sequence = running[i];
      if (!sequence.isPrefilling()) {
        int tokens = Math.min(left, sequence.remaining());
        if (makeRoom(sequence, tokens)) {
          schedule(sequence, tokens);
          left -= tokens;
        }
      }
    }
    return budget - left;
  }

  /** Gets the pages for a decode, at the cost of the most recently admitted if need be. */
  private boolean makeRoom(Sequence sequence, int tokens) {
    int needed = pool.pagesFor(sequence.computed + tokens);
    while (growTo(sequence, needed) < needed) {
      Sequence youngest = running[runningCount - 1];
      if (runningCount == 1) {
        reject(sequence, Rejection.Reason.OUTPUT_EXCEEDS_POOL, needed);
        return false;
      }
      preempt(youngest);
      if (youngest == sequence) {
        return false;
      }
    }
    return true;
  }

  /** Adds pages up to the needed number or until there are none; returns how many it has. */
  private int growTo(Sequence sequence, int needed) {
    int before = sequence.pages;
    while (sequence.pages < needed) {
      int page = cache.allocate();
      if (page == PrefixCache.NONE) {
        break;
      }
      sequence.addPage(page);
    }
    sequence.queue.addHeldPages(sequence, sequence.pages - before);
    return sequence.pages;
  }

  /** Goes on with the prompt that is half computed, if there is one. */
  private int schedulePrefill(int budget) {
    if (runningCount == 0 || !running[runningCount - 1].isPrefilling()) {
      return 0;
    }
    return scheduleChunk(running[runningCount - 1], budget);
  }

  private int scheduleChunk(Sequence sequence, int budget) {
    int tokens = Math.min(budget, sequence.prefillTarget - sequence.computed);
    if (tokens > 0) {
      long room = (long) growTo(sequence, pool.pagesFor(sequence.computed + tokens)) * pageTokens;
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
    while (sequence.chainRegistered
        && (sequence.chainPages + 1) * pageTokens <= sequence.computed) {
      registerNextPage(sequence);
    }
  }

  private void registerNextPage(Sequence sequence) {
    int index = sequence.chainPages;
    long hash = pageHash(sequence, index);
    int parent = index == 0 ? PrefixCache.NONE : sequence.pageTable[index - 1];
    sequence.chainRegistered =
        cache.register(
            sequence.pageTable[index], parent, hash, sequence.tokens, index * pageTokens);
    sequence.chainHash = hash;
    sequence.chainPages++;
  }

  /** Chain hash of a page, given that {@code chainHash} is that of the page before it. */
  private long pageHash(Sequence sequence, int index) {
    return index < sequence.promptHashes.length
        ? sequence.promptHashes[index]
        : PrefixCache.chainHash(
            sequence.chainHash, sequence.tokens, index * pageTokens, pageTokens);
  }

  private void admit(int budget) {
    int left = budget;
    while (left > 0 && runningCount < maxRunning && !lastIsPrefilling()) {
      Sequence sequence = nextWaiting();
      if (sequence == null) {
        return;
      }
      int needed = pool.pagesFor(sequence.length);
      boolean resumed = sequence.preemptions > 0;
      if (needed + (resumed ? 0 : 1) > pool.pages()) {
        reject(
            sequence,
            resumed ? Rejection.Reason.OUTPUT_EXCEEDS_POOL : Rejection.Reason.PROMPT_EXCEEDS_POOL,
            needed + (resumed ? 0 : 1));
        continue;
      }
      attachShared(sequence);
      if (cache.availablePages() < needed - sequence.pages
          || (runningCount > 0 && expectedPeakPages(sequence, needed) > pool.pages())) {
        releasePages(sequence);
        return;
      }
      takeOut(sequence);
      start(sequence);
      left -= scheduleChunk(sequence, left);
    }
  }

  private boolean lastIsPrefilling() {
    return runningCount > 0 && running[runningCount - 1].isPrefilling();
  }

  /** Preempted sequences first, then the queue that holds the fewest pages. */
  private Sequence nextWaiting() {
    if (!preempted.isEmpty()) {
      return preempted.peekFirst();
    }
    Sequence best = null;
    for (int i = 0; i < queues.size(); i++) {
      RequestQueue queue = queues.get(i);
      if (best == null || queue.heldPages() < best.queue.heldPages()) {
        Sequence head = queue.peek();
        best = head == null ? best : head;
      }
    }
    return best;
  }

  private void takeOut(Sequence sequence) {
    if (sequence.queued) {
      sequence.queue.remove(sequence);
      plan(sequence, -1);
    } else {
      preempted.remove(sequence);
    }
  }

  /** References the cached pages of everything but the last token, whose logits are needed. */
  private void attachShared(Sequence sequence) {
    sequence.chainHash = PrefixCache.EMPTY_HASH;
    sequence.chainRegistered = true;
    int most = (sequence.length - 1) / pageTokens;
    int parent = PrefixCache.NONE;
    int index = 0;
    for (; index < most; index++) {
      long hash = pageHash(sequence, index);
      int page = cache.find(parent, hash, sequence.tokens, index * pageTokens);
      if (page == PrefixCache.NONE) {
        break;
      }
      cache.attach(page);
      sequence.addPage(page);
      sequence.chainHash = hash;
      parent = page;
    }
    sequence.chainPages = index;
    sequence.attachedPages = index;
    sequence.computed = index * pageTokens;
  }

  private void start(Sequence sequence) {
    sequence.state = Sequence.State.RUNNING;
    sequence.prefillTarget = sequence.length;
    sequence.queue.hold(sequence);
    running[runningCount++] = sequence;
    peakSequences = Math.max(peakSequences, runningCount);
    cache.countLookups((sequence.length - 1) / pageTokens, sequence.chainPages);
    admitted += sequence.preemptions == 0 ? 1 : 0;
    int found = sequence.computed - sequence.computedBefore;
    if (found > 0) {
      sequence.computedBefore = sequence.computed;
      sequence.sharedTokens += found;
      step.addShared(found);
      sharedTokens += found;
    }
  }

  /**
   * Most pages that will be in use at one time if everything running and the candidate generate as
   * many tokens as estimated: sequences grow together and give back what is theirs alone when they
   * end.
   */
  private long expectedPeakPages(Sequence candidate, int neededPages) {
    int n = 0;
    for (int i = 0; i < runningCount; i++) {
      ends[n++] = end(running[i], running[i].pages);
    }
    ends[n++] = end(candidate, neededPages);
    Arrays.sort(ends, 0, n);
    long base = pool.usedPages() + neededPages - candidate.pages;
    long peak = base;
    long given = 0;
    for (int i = 0; i < n; i++) {
      int remaining = (int) (ends[i] >>> 32);
      long growth = (remaining + pageTokens - 1L) / pageTokens;
      peak = Math.max(peak, base + (n - i) * growth - given);
      given += (int) ends[i];
    }
    return peak;
  }

  /** Expected end of a sequence in tokens from now, and the pages that come back with it. */
  private static long end(Sequence sequence, int pages) {
    return (long) sequence.expectedRemainingTokens() << 32 | (pages - sequence.attachedPages);
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
    releasePages(sequence);
    sequence.state = Sequence.State.WAITING;
  }

  private void releasePages(Sequence sequence) {
    for (int i = sequence.pages - 1; i >= 0; i--) {
      cache.release(sequence.pageTable[i]);
    }
    sequence.pages = 0;
    sequence.computed = 0;
  }

  private void hashPrompt(Sequence sequence) {
    long[] hashes = new long[sequence.promptTokens / pageTokens];
    long hash = PrefixCache.EMPTY_HASH;
    for (int i = 0; i < hashes.length; i++) {
      hash = PrefixCache.chainHash(hash, sequence.tokens, i * pageTokens, pageTokens);
      hashes[i] = hash;
    }
    sequence.promptHashes = hashes;
  }

  private void plan(Sequence sequence, int delta) {
    for (long hash : sequence.promptHashes) {
      cache.plan(hash, delta);
    }
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
