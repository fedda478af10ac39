package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.SharingSummary;
import dev.weft.batching.tree.SharingSummary.SharedPrefix;
import dev.weft.batching.tree.TreeResources;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the driver learns of a range: sums, where tokens are shared, and how its requests are
 * distributed; nothing that grows with their number.
 *
 * @param promptTokens of all its requests
 * @param distinctTokens tokens of its prefix tree
 * @param reusableTokens prompt tokens that whole pages save with an unlimited cache
 * @param outputTokens expected ones
 * @param nodes nodes of its prefix tree
 * @param computeSeconds shared tokens computed once
 * @param memorySeconds of KV reads
 * @param levels from, to, prompt and distinct tokens of each level of sharing
 * @param prefixes shared prefixes that save most
 * @param densities requests by density, see {@link DensityCounts}
 * @param predictedJson predictions of the policies for this range alone, empty if not asked for
 */
record RangeSummary(
    long requests,
    long promptTokens,
    long distinctTokens,
    long reusableTokens,
    long outputTokens,
    long nodes,
    double computeSeconds,
    double memorySeconds,
    List<long[]> levels,
    List<Prefix> prefixes,
    long[] densities,
    String predictedJson)
    implements Serializable {
  private static final int TOP_PREFIXES = 8;
  private static final int SHOWN_TOKENS = 64;

  /**
   * A shared prefix.
   *
   * @param begin first tokens of its own ones
   */
  record Prefix(int prefixTokens, int ownTokens, long requests, long savedTokens, int[] begin)
      implements Serializable {}

  /**
   * @param predict whether all policies are simulated
   * @param error see {@link Predictions#of}
   */
  static RangeSummary of(RangeRequests range, RangeSpec spec, boolean predict, TimeError error) {
    PrefixTree tree = range.tree();
    RequestSet requests = tree.requests();
    CostModel cost = spec.cost();
    TreeResources resources = tree.resources(cost);
    SharingSummary sharing = SharingSummary.of(tree, TOP_PREFIXES);
    long output = 0;
    DensityCounts densities = new DensityCounts();
    for (int i = 0; i < requests.size(); i++) {
      int expected = requests.estimatedOutputTokens(i);
      output += expected;
      densities.add(
          cost.computeSeconds(requests.promptTokens(i), 0, expected)
              / cost.memorySeconds(requests.promptTokens(i), expected));
    }
    return new RangeSummary(
        requests.size(),
        tree.promptTokens(),
        tree.distinctTokens(),
        tree.reusableTokens(spec.limits().pageTokens()),
        output,
        tree.nodes(),
        resources.computeSeconds(0),
        resources.memorySeconds(0),
        new ArrayList<>(
            sharing.levels().stream()
                .map(
                    l ->
                        new long[] {
                          l.fromToken(), l.toToken(), l.promptTokens(), l.distinctTokens()
                        })
                .toList()),
        new ArrayList<>(sharing.topPrefixes().stream().map(p -> prefix(requests, p)).toList()),
        densities.counts(),
        predict && requests.size() > 0 ? predictions(range, spec, cost, error) : "");
  }

  private static Prefix prefix(RequestSet requests, SharedPrefix p) {
    int from = p.prefixTokens() - p.ownTokens();
    int to = from + Math.min(p.ownTokens(), SHOWN_TOKENS + 1);
    return new Prefix(
        p.prefixTokens(),
        p.ownTokens(),
        p.requests(),
        p.savedTokens(),
        Arrays.copyOfRange(requests.prompt(p.request()), from, to));
  }

  private static String predictions(
      RangeRequests range, RangeSpec spec, CostModel cost, TimeError error) {
    JobPlan plan =
        JobPlan.of(
            range.table(),
            range.tree(),
            SchedulingPolicies.named(spec.policy()).name(),
            cost,
            spec.limits(),
            PlanProgress.NONE);
    return Predictions.of(plan, range.outputs(), error, PlanProgress.NONE).json();
  }
}
