package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.SharingSummary;
import dev.weft.jobs.run.PlanSummary.Densities;
import dev.weft.jobs.run.PlanSummary.Quantile;
import dev.weft.jobs.run.PlanSummary.Sharing;
import dev.weft.jobs.run.PlanSummary.SharingLevel;
import dev.weft.jobs.run.PlanSummary.TopPrefix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a prefix tree and an order say about a table, for people. */
final class PlanFacts {
  private static final int TOP_PREFIXES = 8;
  private static final double[] QUANTILES = {0.05, 0.25, 0.5, 0.75, 0.95};

  private PlanFacts() {}

  /** Where tokens are shared. */
  static Sharing sharing(PrefixTree tree, PrefixText text) {
    SharingSummary summary = SharingSummary.of(tree, TOP_PREFIXES);
    RequestSet requests = tree.requests();
    return new Sharing(
        tree.distinctTokens(),
        summary.levels().stream()
            .map(
                l ->
                    new SharingLevel(
                        l.fromToken(), l.toToken(), l.promptTokens(), l.distinctTokens()))
            .toList(),
        summary.topPrefixes().stream()
            .map(
                p ->
                    new TopPrefix(
                        p.prefixTokens(),
                        p.ownTokens(),
                        p.requests(),
                        p.savedTokens(),
                        text.of(
                            Arrays.copyOfRange(
                                requests.prompt(p.request()),
                                p.prefixTokens() - p.ownTokens(),
                                p.prefixTokens()))))
            .toList());
  }

  /** Densities of the whole, of the sides of an order, and of requests alone. */
  static Densities densities(PrefixTree tree, PlannedOrder order, CostModel cost) {
    RequestSet requests = tree.requests();
    double[] compute = new double[2];
    double[] memory = new double[2];
    int[] last = {-1, -1};
    int[] count = new int[2];
    double[] alone = new double[requests.size()];
    for (int i = 0; i < order.size(); i++) {
      int r = order.request(i);
      int side = order.side(i) == Side.MEMORY ? 1 : 0;
      int prompt = requests.promptTokens(r);
      int output = requests.estimatedOutputTokens(r);
      int shared = last[side] < 0 ? 0 : requests.commonPrefix(last[side], r, 0);
      compute[side] += cost.computeSeconds(prompt, shared, output);
      double reading = cost.memorySeconds(prompt, output, requests.meanSquareOutputTokens(r));
      memory[side] += reading;
      alone[i] = cost.computeSeconds(prompt, 0, output) / reading;
      last[side] = r;
      count[side]++;
    }
    Arrays.sort(alone);
    List<Quantile> quantiles = new ArrayList<>();
    for (double q : alone.length == 0 ? new double[0] : QUANTILES) {
      int at = (int) Math.ceil(q * alone.length) - 1;
      quantiles.add(new Quantile(q, alone[Math.clamp(at, 0, alone.length - 1)]));
    }
    boolean sided = order.isDualScan();
    return new Densities(
        tree.resources(cost).density(0),
        sided ? compute[0] / memory[0] : Double.NaN,
        sided ? compute[1] / memory[1] : Double.NaN,
        sided ? count[0] : 0,
        sided ? count[1] : 0,
        quantiles);
  }
}
