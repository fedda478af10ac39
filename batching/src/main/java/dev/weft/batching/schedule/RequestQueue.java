package dev.weft.batching.schedule;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.Side;
import java.util.Arrays;
import java.util.List;

/**
 * The requests of one task in planned order. Built by any thread, given to {@link
 * StepScheduler#submit}, and from then on owned by the scheduler's thread.
 *
 * <p>A dual-scan queue is two runs, admitted by the equations of BlendServe's dual scanner (arXiv
 * 2411.16102): with {@code rho} the density of all work that is left, {@code rhoL} and {@code rhoR}
 * the densities of what the two sides hold (the next request included) and {@code M} the KV memory,
 * {@code M_L + M_R = M} and {@code M_L rhoL + M_R rhoR = M rho}.
 *
 * <ul>
 *   <li>The memory side is admitted first, but leaves {@code M_L} to the other. Guards: where the
 *       two densities meet, memory is split by the work that waits on each side; where {@code rho}
 *       lies outside, one side gets all.
 *   <li>The compute side is admitted as long as the step at hand computes less than {@code rho}
 *       times the time of its KV reads, the second equation taken step by step; but always as much
 *       as hides behind the step's memory traffic (weights included), since that costs nothing.
 * </ul>
 */
public final class RequestQueue {
  private static final double TINY = 1e-300;

  /** Part of the sharing that requests may lose that start before their turn. */
  private static final double LOST_SHARING = 0.01;

  private final String name;
  private final CostModel cost;
  private final Sequence[][] runs = new Sequence[2][];
  private final int[] next = new int[2];

  /** By side: pages (without those found in the cache), compute and memory seconds of what runs. */
  private final long[] heldPages = new long[2];

  private final double[] heldCompute = new double[2];
  private final double[] heldMemory = new double[2];
  private final int[] heldSequences = new int[2];
  private final double[] waitingCompute = new double[2];
  private final double[] waitingMemory = new double[2];
  private final WaitingDemand[] waiting = {new WaitingDemand(), new WaitingDemand()};
  private final LongestFirst[] longest = new LongestFirst[2];

  /** Prompt tokens that may be computed again for requests that start before their turn. */
  private double spareSharing;

  private boolean followed;

  /** Of everything that has not ended. */
  private double openCompute;

  private double openMemory;
  private int open;

  /** Output tokens that were estimated: of what runs, and of what has ended. */
  private long heldEstimated;

  private long endedEstimated;

  /** By side: memory seconds of what has ended, as planned and as it was. */
  private final double[] endedPlannedMemory = new double[2];

  private final double[] endedMemory = new double[2];
  private long endedGenerated;
  boolean cancelled;

  /** In planned order until the scheduler accepts the queue. */
  private Sequence[] planned;

  private PlannedPages plannedPages;

  private RequestQueue(String name, List<Sequence> planned, CostModel cost) {
    this.name = name;
    this.cost = cost;
    this.planned = planned.toArray(Sequence[]::new);
    for (int turn = 0; turn < this.planned.length; turn++) {
      this.planned[turn].turn = turn;
    }
    for (Side side : Side.values()) {
      Sequence[] run = planned.stream().filter(s -> s.side == side).toArray(Sequence[]::new);
      runs[side.ordinal()] = run;
      for (int i = 0; i < run.length; i++) {
        take(run[i], i, i == 0 ? null : run[i - 1]);
      }
      longest[side.ordinal()] = new LongestFirst(run);
    }
    open = planned.size();
  }

  /** A queue that gives its sequences in exactly this order, whatever their sides. */
  public static RequestQueue inOrder(String name, List<Sequence> planned) {
    for (Sequence sequence : planned) {
      sequence.side = Side.COMPUTE;
    }
    return new RequestQueue(name, planned, null);
  }

  /**
   * A queue of two runs: the sequences of each side in the given order. With one side empty it is a
   * queue in order.
   */
  public static RequestQueue dualScan(String name, List<Sequence> planned, CostModel cost) {
    return new RequestQueue(name, planned, cost);
  }

  public String name() {
    return name;
  }

  /**
   * Says that further queues of the same task follow: what waits here is not the end of the work,
   * so no request needs to start before its turn to be done in time.
   */
  public RequestQueue followed() {
    followed = true;
    return this;
  }

  /** Whether something waits here and further queues follow. */
  boolean isFollowed() {
    return followed && waiting[0].requests() + waiting[1].requests() > 0;
  }

  /** Sequences that have not ended. */
  public int open() {
    return open;
  }

  /** Foresees the use of prompt pages, which are hashed by now. */
  void foresee() {
    plannedPages = new PlannedPages(planned);
    planned = null;
  }

  /** What waits needs which page when. */
  PlannedPages plannedPages() {
    return plannedPages;
  }

  Sequence[] run(Side side) {
    return runs[side.ordinal()];
  }

  /**
   * Those of a side that will be admitted later and ask for KV memory; null for the compute side of
   * a blend, whose share of the memory is set by {@link #computeShare}.
   */
  WaitingDemand arriving(Side side) {
    return side == Side.COMPUTE && isBlending() ? null : waiting[side.ordinal()];
  }

  /** Whether the two sides have to share memory and compute. */
  boolean isBlending() {
    return runs[0].length > 0
        && (heldSequences[1] > 0 || head(Side.MEMORY) != null)
        && (heldSequences[0] > 0 || head(Side.COMPUTE) != null);
  }

  /** The part of the KV memory that the memory side leaves to the compute side. */
  double computeShare() {
    Sequence left = head(Side.COMPUTE);
    Sequence right = head(Side.MEMORY);
    // What the memory side takes it keeps for long: the densest stretch of the other side, which is
    // over soon, must not decide what is left for the rest of it.
    double rhoL = Math.min(density(0, left), openDensity(0));
    double rhoR = density(1, right);
    if (!(rhoL > rhoR * (1 + 1e-6))) {
      return (waitingMemory[0] + TINY) / (waitingMemory[0] + waitingMemory[1] + 2 * TINY);
    }
    return Math.clamp((openDensity() - rhoR) / (rhoL - rhoR), 0.0, 1.0);
  }

  private double density(int side, Sequence head) {
    double compute = heldCompute[side] + (head == null ? 0 : head.computeSeconds);
    double memory = heldMemory[side] + (head == null ? 0 : head.memorySeconds);
    return compute / (memory * memoryFactor(side) + TINY);
  }

  /** Of everything of a side that has not ended. */
  private double openDensity(int side) {
    double compute = heldCompute[side] + waitingCompute[side];
    double memory = (heldMemory[side] + waitingMemory[side]) * memoryFactor(side);
    return compute / (memory + TINY);
  }

  private double openDensity() {
    return openCompute / (openMemory + unforeseenMemory() + TINY);
  }

  /**
   * Memory seconds that the waiting will take beyond what their estimates say, if they are like
   * those of their side that have ended. Estimates are means, and the KV reads of an output grow
   * with the square of its length; so widely spread lengths read more than the mean length does.
   */
  private double unforeseenMemory() {
    return waitingMemory[0] * (memoryFactor(0) - 1) + waitingMemory[1] * (memoryFactor(1) - 1);
  }

  /**
   * Real over planned memory seconds of what a side has ended; what it holds counts as planned. Not
   * below 1: short outputs end first and must not speak for the long ones.
   */
  private double memoryFactor(int side) {
    double planned = endedPlannedMemory[side] + heldMemory[side];
    return planned == 0 ? 1 : Math.max(1, (endedMemory[side] + heldMemory[side]) / planned);
  }

  /** Compute seconds that the step may take before the compute side has to wait. */
  private double computeTarget(Step step) {
    double weights = cost.stepMemorySeconds(0);
    double kv = cost.stepMemorySeconds(step.kvTokensRead()) - weights;
    return Math.max(weights + kv, openDensity() * kv);
  }

  /** Prompt tokens that the compute side may still add to the step. */
  int computeAllowance(Step step) {
    double compute =
        cost.stepComputeSeconds(step.tokens(), step.logitTokens(), step.prefillPairs());
    double each = cost.prefillSeconds(0, 1);
    return (int) Math.clamp((computeTarget(step) - compute) / each, 0.0, Integer.MAX_VALUE);
  }

  /** The next sequence of a side to admit, or null if none waits. */
  Sequence head(Side side) {
    Sequence[] run = runs[side.ordinal()];
    int at = next[side.ordinal()];
    while (at < run.length && run[at] == null) {
      at++;
    }
    next[side.ordinal()] = at;
    return at < run.length ? run[at] : null;
  }

  /** The waiting sequence of a side with the longest expected output, or null if none waits. */
  Sequence longest(Side side) {
    return longest[side.ordinal()].head();
  }

  /** All that waits on a side. */
  WaitingDemand waiting(Side side) {
    return waiting[side.ordinal()];
  }

  /**
   * Whether a sequence may start before its turn although it would find only some of the tokens
   * that it shares with the one before it.
   */
  boolean maySpare(Sequence sequence, int foundTokens) {
    return lostTokens(sequence, foundTokens) <= spareSharing;
  }

  /** Takes note that a sequence starts before its turn. */
  void spare(Sequence sequence, int foundTokens) {
    spareSharing -= lostTokens(sequence, foundTokens);
  }

  private static int lostTokens(Sequence sequence, int foundTokens) {
    return Math.max(0, sequence.promptTokens - sequence.ownPromptTokens - foundTokens);
  }

  /** Takes a waiting sequence out of its run. */
  void remove(Sequence sequence) {
    int side = sequence.side.ordinal();
    runs[side][sequence.position] = null;
    waitingCompute[side] -= sequence.computeSeconds;
    waitingMemory[side] -= sequence.memorySeconds;
    waiting[side].remove(sequence);
    plannedPages.take(sequence);
    sequence.queued = false;
  }

  void hold(Sequence sequence) {
    heldEstimated += sequence.plannedOutputTokens;
    int side = sequence.side.ordinal();
    heldSequences[side]++;
    heldCompute[side] += sequence.computeSeconds;
    heldMemory[side] += sequence.memorySeconds;
    heldPages[side] += sequence.pages - sequence.attachedPages;
  }

  void letGo(Sequence sequence) {
    heldEstimated -= sequence.plannedOutputTokens;
    int side = sequence.side.ordinal();
    heldPages[side] -= sequence.pages - sequence.attachedPages;
    heldCompute[side] -= sequence.computeSeconds;
    heldMemory[side] -= sequence.memorySeconds;
    if (--heldSequences[side] == 0) {
      heldCompute[side] = 0;
      heldMemory[side] = 0;
    }
  }

  void addHeldPages(Sequence sequence, int pages) {
    heldPages[sequence.side.ordinal()] += pages;
  }

  long heldPages(Side side) {
    return heldPages[side.ordinal()];
  }

  long heldPages() {
    return heldPages[0] + heldPages[1];
  }

  /**
   * By how much outputs have turned out shorter than estimated, at most 1. What still runs counts
   * as estimated: the short ones end first and must not speak for the long ones.
   */
  double lengthFactor() {
    double estimated = endedEstimated + heldEstimated;
    return estimated == 0 ? 1 : Math.clamp((endedGenerated + heldEstimated) / estimated, 0.02, 1.0);
  }

  void ended(Sequence sequence) {
    open--;
    if (sequence.generatedTokens() > 0) {
      endedEstimated += sequence.plannedOutputTokens;
      endedGenerated += sequence.generatedTokens();
      if (cost != null) {
        int side = sequence.plannedSide.ordinal();
        double p = sequence.readPromptTokens;
        endedPlannedMemory[side] +=
            cost.memorySeconds(p, sequence.plannedOutputTokens, sequence.plannedSquareTokens);
        endedMemory[side] += cost.memorySeconds(p, sequence.generatedTokens());
      }
    }
    openCompute -= sequence.computeSeconds;
    openMemory -= sequence.memorySeconds;
  }

  /**
   * Takes note that the estimate of a running sequence has changed.
   *
   * @return true if it changed sides
   */
  boolean reestimated(Sequence sequence) {
    if (cost == null) {
      return false;
    }
    letGo(sequence);
    openCompute -= sequence.computeSeconds;
    openMemory -= sequence.memorySeconds;
    price(sequence, sequence.sharedTokens());
    openCompute += sequence.computeSeconds;
    openMemory += sequence.memorySeconds;
    boolean twoSided = runs[0].length > 0 && runs[1].length > 0;
    boolean moves =
        twoSided
            && sequence.side == Side.COMPUTE
            && sequence.computeSeconds * openMemory < openCompute * sequence.memorySeconds;
    if (moves) {
      sequence.side = Side.MEMORY;
    }
    hold(sequence);
    return moves;
  }

  private void take(Sequence sequence, int position, Sequence before) {
    if (sequence.queue != null) {
      throw new IllegalArgumentException(
          "queue '" + name + "': a sequence is already in queue '" + sequence.queue.name + "'");
    }
    sequence.queue = this;
    sequence.plannedSide = sequence.side;
    sequence.position = position;
    int shared = before == null ? 0 : sharedTokens(sequence, before);
    sequence.ownPromptTokens = sequence.promptTokens - shared;
    spareSharing += LOST_SHARING * shared;
    waiting[sequence.side.ordinal()].add(sequence);
    if (cost == null) {
      return;
    }
    // Those that share the prefix run as neighbours, so reads that can be shared are.
    sequence.readPromptTokens =
        sequence.ownPromptTokens + (double) shared / cost.device().sharedReadGroup();
    price(sequence, shared);
    openCompute += sequence.computeSeconds;
    openMemory += sequence.memorySeconds;
    waitingCompute[sequence.side.ordinal()] += sequence.computeSeconds;
    waitingMemory[sequence.side.ordinal()] += sequence.memorySeconds;
  }

  /**
   * Leading prompt tokens of which the sequence before it leaves K and V; the last is not shared.
   */
  private static int sharedTokens(Sequence sequence, Sequence before) {
    int mismatch =
        Arrays.mismatch(
            sequence.tokens, 0, sequence.promptTokens, before.tokens, 0, before.promptTokens);
    int shared = mismatch < 0 ? sequence.promptTokens : mismatch;
    return Math.min(shared, sequence.promptTokens - 1);
  }

  private void price(Sequence sequence, int shared) {
    int output = sequence.estimatedOutputTokens;
    sequence.computeSeconds = cost.computeSeconds(sequence.promptTokens, shared, output);
    sequence.memorySeconds =
        cost.memorySeconds(sequence.readPromptTokens, output, sequence.squareTokens);
  }
}
