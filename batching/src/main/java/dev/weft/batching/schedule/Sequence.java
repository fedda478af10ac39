package dev.weft.batching.schedule;

import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.Side;
import java.util.Arrays;

/**
 * One running generation: its tokens (prompt, then generated) and where their K and V are. Owned by
 * the thread that drives the {@link StepScheduler}; the engine reads it and changes it only through
 * the scheduler.
 */
public final class Sequence {
  /** Where a sequence is in its life. */
  public enum State {
    /** Not admitted yet, or preempted and waiting to go on. */
    WAITING,
    RUNNING,
    /** Finished, aborted or rejected; holds no pages. */
    ENDED
  }

  final int promptTokens;
  final int maxOutputTokens;
  final Object handle;
  Side side;

  /** The side it waited on. */
  Side plannedSide;

  int[] tokens;
  int length;
  int computed;

  /** Tokens known at admission: computing up to here is prefill, beyond it is decode. */
  int prefillTarget;

  /** Most tokens that were ever computed: computing below it again is recomputation. */
  int computedBefore;

  int estimatedOutputTokens;

  /** The estimate it came with. */
  final int plannedOutputTokens;

  int[] pageTable = new int[8];
  int pages;

  /** Leading pages that {@link SharedReads} counts for it. */
  int readPages;

  int sharedTokens;
  int preemptions;

  /** How many were admitted before it for the first time. */
  long admission;

  State state = State.WAITING;

  /** Whether it waits in its queue; a preempted one does not. */
  boolean queued = true;

  /** Leading pages that came from the prefix cache at the last admission. */
  int attachedPages;

  /** Whether all full pages so far are registered, so that further ones may be. */
  boolean chainRegistered;

  /** Full pages of this sequence that went through registration. */
  int chainPages;

  long chainHash;

  /** Chain hash of every full prompt page. */
  long[] promptHashes;

  RequestQueue queue;

  /** Place in the planned order of the queue. */
  int turn;

  /** Place in its run of the queue. */
  int position;

  /** Prompt tokens that the request before it in its run does not leave in the cache. */
  int ownPromptTokens;

  /** Prompt tokens whose K and V it reads in a step, a fraction where reads are shared. */
  double readPromptTokens;

  /** What is known of its output length beyond the estimate; null for nothing. */
  final OutputDistribution distribution;

  /** {@code E[d^2]} of its output length, as planned and with what was generated. */
  final double plannedSquareTokens;

  double squareTokens;

  double computeSeconds;
  double memorySeconds;

  /**
   * @param prompt at least one token id; copied
   * @param maxOutputTokens most tokens that will be generated
   * @param estimatedOutputTokens expected number of them
   * @param side run of the plan it belongs to; {@link Side#COMPUTE} in one-sided orders
   * @param handle whatever the caller wants to find again; not looked at
   */
  public Sequence(
      int[] prompt, int maxOutputTokens, int estimatedOutputTokens, Side side, Object handle) {
    this(prompt, maxOutputTokens, estimatedOutputTokens, null, side, handle);
  }

  /**
   * A sequence of which more is known than the expected number of output tokens.
   *
   * @param distribution of the output length, of which the estimate is the mean; null if the
   *     estimate stands for itself
   */
  public Sequence(
      int[] prompt,
      int maxOutputTokens,
      int estimatedOutputTokens,
      OutputDistribution distribution,
      Side side,
      Object handle) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("a sequence needs at least one prompt token");
    }
    if (maxOutputTokens < 1) {
      throw new IllegalArgumentException(
          "a sequence must be allowed at least one output token, got " + maxOutputTokens);
    }
    this.promptTokens = prompt.length;
    this.maxOutputTokens = maxOutputTokens;
    this.estimatedOutputTokens = Math.clamp(estimatedOutputTokens, 1, maxOutputTokens);
    this.plannedOutputTokens = this.estimatedOutputTokens;
    // A single length says no more than the estimate.
    this.distribution = distribution == null || distribution.size() == 1 ? null : distribution;
    double estimate = this.estimatedOutputTokens;
    this.plannedSquareTokens =
        this.distribution == null ? estimate * estimate : distribution.meanSquare(maxOutputTokens);
    this.squareTokens = plannedSquareTokens;
    this.side = side;
    this.handle = handle;
    int room = Math.min(maxOutputTokens, 64);
    this.tokens = Arrays.copyOf(prompt, Math.addExact(prompt.length, room));
    this.length = prompt.length;
  }

  /** Backing array; the known tokens are {@code [0, length())}. Replaced when it grows. */
  public int[] tokens() {
    return tokens;
  }

  /** Prompt and generated tokens known so far. */
  public int length() {
    return length;
  }

  public int promptTokens() {
    return promptTokens;
  }

  public int generatedTokens() {
    return length - promptTokens;
  }

  public int maxOutputTokens() {
    return maxOutputTokens;
  }

  /** Leading tokens whose K and V are there, those of the current step included. */
  public int computedTokens() {
    return computed;
  }

  /** Page ids; token {@code i} lies in page {@code pageTable()[i / pageTokens]}. Read only. */
  public int[] pageTable() {
    return pageTable;
  }

  /** Valid entries of {@link #pageTable()}. */
  public int pages() {
    return pages;
  }

  /** Tokens that were found in the prefix cache and never computed for this sequence. */
  public int sharedTokens() {
    return sharedTokens;
  }

  /** How often it had to give up its pages. */
  public int preemptions() {
    return preemptions;
  }

  /** Run it belongs to now; may change when its output is longer than estimated. */
  public Side side() {
    return side;
  }

  public State state() {
    return state;
  }

  public RequestQueue queue() {
    return queue;
  }

  public Object handle() {
    return handle;
  }

  int remaining() {
    return length - computed;
  }

  boolean isPrefilling() {
    return computed < prefillTarget;
  }

  void addToken(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.addExact(length, Math.max(64, length >> 1)));
    }
    tokens[length++] = token;
  }

  void addPage(int page) {
    if (pages == pageTable.length) {
      pageTable = Arrays.copyOf(pageTable, 2 * pages);
    }
    pageTable[pages++] = page;
  }

  /**
   * Takes note that it has generated more than estimated: what is expected now is the mean of the
   * lengths beyond, or where nothing is known of them, a quarter more (so that estimates change a
   * logarithmic number of times).
   *
   * @param leastTokens least number of tokens by which the estimate grows in that case
   */
  void reestimate(int leastTokens) {
    int generated = generatedTokens();
    double beyond = meanBeyond(generated);
    if (Double.isNaN(beyond)) {
      int more = Math.max(leastTokens, generated / 4);
      long most = Math.min((long) generated + more, maxOutputTokens);
      estimatedOutputTokens = (int) Math.max(generated, most);
      squareTokens = (double) estimatedOutputTokens * estimatedOutputTokens;
    } else {
      estimatedOutputTokens = Math.max(generated, (int) Math.round(beyond));
      squareTokens = distribution.meanSquareBeyond(generated, maxOutputTokens);
    }
  }

  /** {@code E[d | d > generated]}; {@code NaN} if that is not known. */
  private double meanBeyond(int generated) {
    return distribution == null || generated >= maxOutputTokens
        ? Double.NaN
        : distribution.meanBeyond(generated, maxOutputTokens);
  }

  /**
   * Tokens it may generate from here on, at least one each: the means of equal parts of the lengths
   * that its distribution leaves it, ascending.
   *
   * @param parts takes them
   * @param factor see {@link #expectedRemainingTokens}
   * @return how many; 1 where nothing is known but an estimate
   */
  int remainingParts(double factor, int[] parts) {
    int generated = generatedTokens();
    int first = distribution == null ? 0 : distribution.firstBeyond(generated);
    if (distribution == null || first == distribution.size() || generated >= maxOutputTokens) {
      parts[0] = expectedRemainingTokens(factor);
      return 1;
    }
    int points = distribution.size() - first;
    int n = Math.min(points, parts.length);
    for (int part = 0; part < n; part++) {
      int from = first + points * part / n;
      int to = first + points * (part + 1) / n;
      long sum = 0;
      for (int i = from; i < to; i++) {
        sum += Math.min(distribution.point(i), maxOutputTokens) - generated;
      }
      parts[part] = (int) Math.max(1, sum / (to - from));
    }
    return n;
  }

  /**
   * Tokens it is expected to generate from here on, at least one: by its distribution {@code E[d -
   * t | d > t]} after {@code t} tokens.
   *
   * @param factor by which the outputs of the queue turn out shorter than estimated, at most 1
   */
  int expectedRemainingTokens(double factor) {
    int generated = generatedTokens();
    double beyond = meanBeyond(generated);
    if (!Double.isNaN(beyond)) {
      return Math.max(1, (int) Math.round(beyond) - generated);
    }
    int expected = (int) (estimatedOutputTokens * factor);
    if (generated >= expected) {
      // Longer than others of its queue: expect a quarter more.
      expected = Math.min(estimatedOutputTokens, generated + Math.max(16, generated / 4));
    }
    return Math.max(1, expected - generated);
  }
}
