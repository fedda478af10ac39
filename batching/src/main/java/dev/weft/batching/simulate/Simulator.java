package dev.weft.batching.simulate;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.Rejection;
import dev.weft.batching.schedule.RequestQueue;
import dev.weft.batching.schedule.Sequence;
import dev.weft.batching.schedule.Step;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.schedule.StepScheduler;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs a planned order through the engine's own scheduler and page cache, with predicted instead of
 * real step times. Deterministic. Stops with {@link PlanningInterruptedException} when its thread
 * is interrupted.
 */
public final class Simulator {
  private final CostModel cost;
  private final StepLimits limits;
  private final int kvPages;
  private final int pageTokens;

  /**
   * @param limits limits of a step
   * @param kvPages pages of the KV pool
   * @param pageTokens tokens of a page
   */
  public Simulator(CostModel cost, StepLimits limits, int kvPages, int pageTokens) {
    this.cost = cost;
    this.limits = limits;
    this.kvPages = kvPages;
    this.pageTokens = pageTokens;
  }

  /** Runs the whole order on one device with the expected output lengths. */
  public SimulatedRun run(RequestSet requests, PlannedOrder order) {
    int[] outputs = new int[requests.size()];
    for (int i = 0; i < outputs.length; i++) {
      outputs[i] = requests.estimatedOutputTokens(i);
    }
    return run(requests, order, 0, order.size(), outputs);
  }

  /** Runs one partition; see {@link #run(RequestSet, PlannedOrder, int, int, int[])}. */
  public SimulatedRun run(
      RequestSet requests, PlannedOrder order, Partition partition, int[] outputTokens) {
    return run(requests, order, partition.from(), partition.to(), outputTokens);
  }

  /**
   * Runs the positions {@code [from, to)} of an order.
   *
   * @param outputTokens true output length by request number; a request generates at least one and
   *     at most its maximum
   */
  public SimulatedRun run(
      RequestSet requests, PlannedOrder order, int from, int to, int[] outputTokens) {
    return run(requests, order, from, to, outputTokens, StepObserver.NONE);
  }

  /**
   * Runs the positions {@code [from, to)} of an order and tells an observer of every step; see
   * {@link #run(RequestSet, PlannedOrder, int, int, int[])}.
   */
  public SimulatedRun run(
      RequestSet requests,
      PlannedOrder order,
      int from,
      int to,
      int[] outputTokens,
      StepObserver observer) {
    PrefixCache cache = new PrefixCache(new PagePool(kvPages, pageTokens));
    StepScheduler scheduler = new StepScheduler(limits, cache, cost.device().sharedReadGroup());
    List<Sequence> sequences = new ArrayList<>(to - from);
    int[] left = new int[to - from];
    for (int i = from; i < to; i++) {
      int request = order.request(i);
      int max = Math.max(1, requests.maxOutputTokens(request));
      left[i - from] = Math.clamp(outputTokens[request], 1, max);
      sequences.add(
          new Sequence(
              requests.prompt(request),
              max,
              requests.estimatedOutputTokens(request),
              requests.outputDistribution(request),
              order.side(i),
              i - from));
    }
    scheduler.submit(RequestQueue.dualScan(order.policy(), sequences, cost));
    double seconds = 0;
    double compute = 0;
    double memory = 0;
    int token = 0;
    while (!scheduler.isIdle()) {
      PlanningInterruptedException.check();
      Step step = scheduler.next();
      for (Rejection r = scheduler.pollRejection(); r != null; r = scheduler.pollRejection()) {
        left[(int) r.sequence().handle()] = 0;
      }
      if (step.sequences() == 0) {
        continue;
      }
      double stepSeconds =
          cost.stepSeconds(
              step.tokens(), step.logitTokens(), step.prefillPairs(), step.kvTokensRead());
      double stepCompute =
          cost.stepComputeSeconds(step.tokens(), step.logitTokens(), step.prefillPairs());
      double stepMemory = cost.stepMemorySeconds(step.kvTokensRead());
      observer.step(
          stepSeconds, stepCompute, stepMemory, (long) cache.pool().usedPages() * pageTokens);
      seconds += stepSeconds;
      compute += stepCompute;
      memory += stepMemory;
      for (int i = 0; i < step.sequences(); i++) {
        if (step.logits(i)) {
          Sequence sequence = step.sequence(i);
          // Negative and all different: generated tokens are never found in the prefix cache.
          token = token == Integer.MIN_VALUE ? -1 : token - 1;
          if (--left[(int) sequence.handle()] == 0) {
            scheduler.finish(sequence);
          } else {
            scheduler.append(sequence, token);
          }
        }
      }
    }
    double overhead = scheduler.statistics().steps() * cost.device().stepOverheadSeconds();
    return new SimulatedRun(
        seconds,
        compute,
        memory,
        overhead,
        (long) scheduler.statistics().peakKvPages() * pageTokens,
        scheduler.statistics());
  }
}
