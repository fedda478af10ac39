package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** {@code random}: a shuffle with a fixed seed; what an order costs that nobody chose. */
final class RandomOrder implements SchedulingPolicy {
  private static final long SEED = 20_241_125;

  @Override
  public String name() {
    return "random";
  }

  @Override
  public PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens) {
    int[] order = new int[tree.requests().size()];
    Arrays.setAll(order, i -> i);
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = order.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int request = order[i];
      order[i] = order[other];
      order[other] = request;
    }
    return PlannedOrder.oneSided(
        name(), order, List.of("requests run in a shuffled order, seed " + SEED));
  }
}
