package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.Objective;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;

/**
 * {@code blend}: resource-aware order after BlendServe (arXiv 2411.16102).
 *
 * <p>The prefix tree is split into a compute and a memory side that lose at most 1% of the sharing
 * between them ({@link SideSplit}), each side is walked depth first with its children sorted by
 * density ({@link SideWalk}), and the two walks are merged so that every stretch of the order has
 * the density of the whole: {@code M_L rho_L + M_R rho_R = M rho}, summed over time. When one walk
 * has ended, the other goes on alone.
 *
 * <p>Where mixing cannot pay (the device does not overlap compute and memory, or one of them hardly
 * counts), the order is that of {@code dfs} and a note says why.
 */
final class Blend implements SchedulingPolicy {
  /** Part of the sharing that the split keeps at least. */
  static final double SHARING_KEPT = 0.99;

  /** Least gain for which the prefix order is given up. */
  private static final double WORTHWHILE_GAIN = 0.02;

  @Override
  public String name() {
    return "blend";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    TreeResources resources = tree.resources(cost);
    double compute = resources.computeSeconds(0);
    double memory = resources.memorySeconds(0);
    double gain = gain(cost, compute, memory);
    if (gain < WORTHWHILE_GAIN) {
      return prefixOrder(
          tree,
          "overlapping compute (%.3g s) and KV reads (%.3g s) could gain at most %s at overlap"
              + " %.2f of the device: pure prefix order is kept",
          compute,
          memory,
          percent(gain, cost),
          cost.device().overlap());
    }
    long sharing = tree.promptTokens() - tree.distinctTokens();
    long bound = (long) (sharing * (1 - SHARING_KEPT));
    SideSplit split = new SideSplit(tree, resources, cost, compute / memory, bound);
    BitSet memorySide = split.memorySide();
    int n = tree.requests().size();
    if (memorySide.isEmpty() || memorySide.cardinality() == n) {
      return prefixOrder(
          tree,
          "all requests ask for compute and memory in the same mix, density %.3g: pure prefix order"
              + " is kept",
          compute / memory);
    }
    BitSet computeSide = new BitSet(n);
    computeSide.set(0, n);
    computeSide.andNot(memorySide);
    SideWalk left = new SideWalk(tree, resources, cost, computeSide);
    SideWalk right = new SideWalk(tree, resources, cost, memorySide);
    List<String> notes = new ArrayList<>();
    notes.add(
        note(
            "%d compute-bound requests (density %.3g) run beside %d memory-bound ones (density"
                + " %.3g); density of all %.3g",
            left.size(),
            left.totalCompute() / left.totalMemory(),
            right.size(),
            right.totalCompute() / right.totalMemory(),
            compute / memory));
    notes.add(
        note(
            "overlapping the two can gain up to %s at overlap %.2f of the device",
            percent(gain, cost), cost.device().overlap()));
    if (sharing > 0) {
      notes.add(
          note(
              "splitting subtrees computes %d shared tokens on both sides: %.2f%% of the sharing"
                  + " stays",
              split.mixedTokens(), 100.0 * (sharing - split.mixedTokens()) / sharing));
    }
    double rho =
        (left.totalCompute() + right.totalCompute()) / (left.totalMemory() + right.totalMemory());
    return merge(left, right, rho, notes);
  }

  /** A part may lie on one side as a whole: its counterpart is in another part. */
  @Override
  public PlannedOrder orderPart(
      PrefixTree tree, CostModel cost, long kvBudgetTokens, double wholeDensity) {
    double gain = Double.isFinite(wholeDensity) ? gain(cost, wholeDensity, 1) : 0;
    if (gain < WORTHWHILE_GAIN) {
      return prefixOrder(
          tree,
          "overlapping compute and KV reads (density %.3g) could gain at most %s at overlap %.2f"
              + " of the device: pure prefix order is kept",
          wholeDensity,
          percent(gain, cost),
          cost.device().overlap());
    }
    TreeResources resources = tree.resources(cost);
    long sharing = tree.promptTokens() - tree.distinctTokens();
    long bound = (long) (sharing * (1 - SHARING_KEPT));
    BitSet memorySide = new SideSplit(tree, resources, cost, wholeDensity, bound).memorySide();
    BitSet computeSide = new BitSet();
    computeSide.set(0, tree.requests().size());
    computeSide.andNot(memorySide);
    return merge(
        new SideWalk(tree, resources, cost, computeSide),
        new SideWalk(tree, resources, cost, memorySide),
        wholeDensity,
        List.of(
            note(
                "each range is split into a compute and a memory side at the density of the whole,"
                    + " %.3g; overlapping the two can gain up to %s at overlap %.2f of the"
                    + " device",
                wholeDensity, percent(gain, cost), cost.device().overlap())));
  }

  /**
   * What running compute and memory together can gain over one after the other, by the objective.
   */
  private static double gain(CostModel cost, double compute, double memory) {
    Objective objective = cost.objective();
    double apart = objective.value(compute + memory, compute, memory);
    double together = objective.value(cost.totalSeconds(compute, memory), compute, memory);
    return apart == 0 ? 0 : apart / together - 1;
  }

  private static String percent(double gain, CostModel cost) {
    Objective objective = cost.objective();
    String of = objective.equals(Objective.TIME) ? "" : " of the " + objective.name();
    return note("%.1f%%%s", 100 * gain, of);
  }

  /** Takes from the compute side whenever what was taken is less dense than the whole. */
  private PlannedOrder merge(SideWalk left, SideWalk right, double rho, List<String> notes) {
    int n = left.size() + right.size();
    int[] requests = new int[n];
    BitSet memorySide = new BitSet(n);
    double compute = 0;
    double memory = 0;
    int l = 0;
    int r = 0;
    for (int i = 0; i < n; i++) {
      boolean fromLeft = r == right.size() || (l < left.size() && compute <= rho * memory);
      SideWalk walk = fromLeft ? left : right;
      int at = fromLeft ? l++ : r++;
      requests[i] = walk.request(at);
      compute += walk.computeSeconds(at);
      memory += walk.memorySeconds(at);
      memorySide.set(i, !fromLeft);
    }
    return new PlannedOrder(name(), requests, memorySide, notes);
  }

  private PlannedOrder prefixOrder(PrefixTree tree, String format, Object... values) {
    return PlannedOrder.oneSided(name(), tree.sortedRequests(), List.of(note(format, values)));
  }

  private static String note(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
