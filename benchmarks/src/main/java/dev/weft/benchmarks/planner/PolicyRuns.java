package dev.weft.benchmarks.planner;

import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.simulate.SimulatedRun;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Simulated runs of one case by policy, and the measurements that compare them. */
final class PolicyRuns {
  /** The baseline of all ratios. */
  static final String BASELINE = "dfs";

  /** The policy that the targets are for. */
  static final String SUBJECT = "blend";

  private final Case work;
  private final Device device;
  private final long kvTokens;
  private final int pageTokens;
  private final Map<String, PlannedOrder> orders = new LinkedHashMap<>();
  private final Map<String, SimulatedRun> runs = new LinkedHashMap<>();
  private Bounds bounds;

  PolicyRuns(Case work, Device device, long kvTokens, int pageTokens) {
    this.work = work;
    this.device = device;
    this.kvTokens = kvTokens;
    this.pageTokens = pageTokens;
  }

  PolicyRuns runAll() {
    return run(SchedulingPolicies.all());
  }

  /** Runs only the baseline and the subject. */
  PolicyRuns runPair() {
    return run(List.of(SchedulingPolicies.named(BASELINE), SchedulingPolicies.named(SUBJECT)));
  }

  private PolicyRuns run(Collection<SchedulingPolicy> policies) {
    for (SchedulingPolicy policy : policies) {
      PlannedOrder order = policy.order(work.tree(), device.cost(), kvTokens);
      orders.put(policy.name(), order);
      runs.put(policy.name(), work.run(order, device, kvTokens, pageTokens));
    }
    return this;
  }

  Map<String, SimulatedRun> all() {
    return runs;
  }

  SimulatedRun of(String policy) {
    return runs.get(policy);
  }

  PlannedOrder order(String policy) {
    return orders.get(policy);
  }

  /** Times that no order can go below. */
  Bounds bounds() {
    if (bounds == null) {
      int budget = Device.LIMITS.budgetTokens();
      bounds = Bounds.of(work.truth(), device.cost(), budget, kvTokens);
    }
    return bounds;
  }

  double tokensPerSecond(String policy) {
    return work.tokensPerSecond(runs.get(policy).seconds());
  }

  /** How many times faster than prefix order on the same device. */
  double speedup(String policy) {
    return runs.get(BASELINE).seconds() / runs.get(policy).seconds();
  }

  /** How many times faster than prefix order on the same device without overlap. */
  double speedupWithoutOverlap(String policy) {
    return withoutOverlapSeconds(runs.get(BASELINE)) / runs.get(policy).seconds();
  }

  /**
   * Time of a run if nothing overlapped. Exact for one-sided orders: their steps do not depend on
   * the overlap.
   */
  static double withoutOverlapSeconds(SimulatedRun run) {
    return run.computeSeconds() + run.memorySeconds() + run.overheadSeconds();
  }

  /** Part of the practical optimum that a policy reaches. */
  double ofOptimum(String policy) {
    return bounds().practicalSeconds() / runs.get(policy).seconds();
  }

  /** Part of the tokens found in the cache that whole pages and an unlimited cache could save. */
  double sharingKept(String policy) {
    long possible = work.tree().reusableTokens(pageTokens);
    return possible == 0 ? 1 : (double) runs.get(policy).statistics().sharedTokens() / possible;
  }

  /** Reports throughput of every policy over that of the baseline. */
  void report(Report report, String prefix, String workload, long seed) {
    for (String policy : runs.keySet()) {
      report.add(
          new Measurement(
              prefix + "." + policy,
              tokensPerSecond(policy),
              "tokens/s",
              "dfs on the same device",
              speedup(policy),
              0,
              workload,
              device.text(),
              seed));
    }
  }
}
