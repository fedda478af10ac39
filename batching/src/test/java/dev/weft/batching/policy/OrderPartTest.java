package dev.weft.batching.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OrderPartTest {
  private final CostModel cost = RandomRequests.cost(1);

  @Test
  void everyPolicyOrdersAPartWithEachRequestOnce() {
    for (SchedulingPolicy policy : SchedulingPolicies.all()) {
      for (int round = 0; round < 30; round++) {
        long seed = 9_300 + round;
        Random random = new Random(seed);
        RequestSet requests = RandomRequests.nested(random, random.nextInt(60));
        double density = Math.exp(random.nextGaussian() * 3);
        PrefixTree tree = PrefixTree.build(requests);
        PlannedOrder order = policy.orderPart(tree, cost, 1_600, density);
        int[] all = order.requests();
        Arrays.sort(all);
        assertThat(all)
            .as(policy.name() + " seed " + seed)
            .containsExactly(IntStream.range(0, requests.size()).toArray());
        assertThat(policy.orderPart(tree, cost, 1_600, density).requests())
            .containsExactly(order.requests());
      }
    }
  }

  @Test
  void aPartOfOneKindLiesOnOneSideOfTheWhole() {
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < 20; i++) {
      builder.add(new int[] {i, 1, 2, 3, 4, 5, 6, 7}, 200, 200);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    double own = tree.resources(cost).density(0);
    SchedulingPolicy blend = SchedulingPolicies.named("blend");
    PlannedOrder sparse = blend.orderPart(tree, cost, 1_600, own * 1.5);
    PlannedOrder dense = blend.orderPart(tree, cost, 1_600, own / 1.5);
    for (int i = 0; i < 20; i++) {
      assertThat(sparse.side(i)).isEqualTo(Side.MEMORY);
      assertThat(dense.side(i)).isEqualTo(Side.COMPUTE);
    }
  }
}
