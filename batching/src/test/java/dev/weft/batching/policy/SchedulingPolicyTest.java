package dev.weft.batching.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.Objective;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.Plan;
import dev.weft.batching.plan.PlanOptions;
import dev.weft.batching.plan.Planner;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SchedulingPolicyTest {
  static Iterable<SchedulingPolicy> policies() {
    return SchedulingPolicies.all();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void everyRequestExactlyOnceAndIdenticalPlansForIdenticalInput(SchedulingPolicy policy) {
    for (int round = 0; round < 100; round++) {
      long seed = 600 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, round == 0 ? 0 : random.nextInt(150));
      CostModel cost = RandomRequests.cost(random.nextDouble());
      PlannedOrder order = policy.order(PrefixTree.build(requests), cost, 10_000);
      PlannedOrder again = policy.order(PrefixTree.build(requests), cost, 10_000);
      int[] sorted = order.requests();
      Arrays.sort(sorted);
      assertThat(sorted)
          .as("seed " + seed)
          .containsExactly(IntStream.range(0, requests.size()).toArray());
      assertThat(again.requests()).as("seed " + seed).containsExactly(order.requests());
      for (int i = 0; i < order.size(); i++) {
        assertThat(again.side(i)).isEqualTo(order.side(i));
      }
      assertThat(order.notes()).as("every order says why").isNotEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void eachSideKeepsItsShareOfTheSharing(SchedulingPolicy policy) {
    // The first two ignore prefixes, and groups of one level give up some of several levels.
    assumeFalse(Set.of("fcfs", "random", "batchllm").contains(policy.name()));
    int dualScans = 0;
    for (int round = 0; round < 60; round++) {
      long seed = 700 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, 2 + random.nextInt(300));
      PrefixTree tree = PrefixTree.build(requests);
      PlannedOrder order = policy.order(tree, RandomRequests.cost(0.9), 10_000);
      dualScans += order.isDualScan() ? 1 : 0;
      long computed = 0;
      for (Side side : Side.values()) {
        computed += tokensWithNeighbourSharing(requests, order, side);
      }
      long sharing = tree.promptTokens() - tree.distinctTokens();
      assertThat(computed)
          .as(policy.name() + " seed " + seed)
          .isBetween(tree.distinctTokens(), tree.distinctTokens() + (long) (sharing * 0.01));
    }
    if (policy.name().equals("blend")) {
      assertThat(dualScans).isGreaterThan(40);
    }
  }

  /** Tokens a side computes if it can only look at the prompt it ran just before. */
  private static long tokensWithNeighbourSharing(
      RequestSet requests, PlannedOrder order, Side side) {
    int before = -1;
    long computed = 0;
    for (int i = 0; i < order.size(); i++) {
      if (order.side(i) == side) {
        int request = order.request(i);
        int shared = before < 0 ? 0 : requests.commonPrefix(before, request, 0);
        computed += requests.promptTokens(request) - shared;
        before = request;
      }
    }
    return computed;
  }

  @Test
  void blendKeepsPrefixOrderAndSaysSoWhereOverlapCannotPay() {
    PrefixTree tree = PrefixTree.build(RandomRequests.nested(new Random(3), 100));
    PlannedOrder order =
        SchedulingPolicies.named("blend").order(tree, RandomRequests.cost(0), 10_000);
    assertThat(order.isDualScan()).isFalse();
    assertThat(order.requests()).containsExactly(tree.sortedRequests());
    assertThat(order.notes().get(0)).contains("overlap 0.00", "pure prefix order is kept");
  }

  @Test
  void everyStretchOfABlendedOrderHasTheDensityOfTheWhole() {
    // Half the tasks read long prompts and answer briefly, half write long answers.
    Random random = new Random(9);
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < 2_000; i++) {
      boolean writes = i % 4 == 0;
      int[] prompt = new int[writes ? 100 : 1_500];
      Arrays.fill(prompt, 0, 50, writes ? 1 : 2);
      for (int t = 50; t < prompt.length; t++) {
        prompt[t] = random.nextInt(1_000);
      }
      int output = writes ? 2_000 + random.nextInt(4_000) : 5;
      builder.add(prompt, output, output);
    }
    RequestSet requests = builder.build();
    PrefixTree tree = PrefixTree.build(requests);
    CostModel cost = RandomRequests.cost(1, 2e12);
    Planner planner = new Planner(cost, new PlanOptions(10, 100_000, 16));
    Plan blend = planner.plan(tree, SchedulingPolicies.named("blend"));
    Plan dfs = planner.plan(tree, SchedulingPolicies.named("dfs"));
    double whole = blend.computeSeconds() / blend.memorySeconds();
    assertThat(blend.order().isDualScan()).isTrue();
    for (Partition partition : blend.partitions()) {
      assertThat(partition.computeSeconds() / partition.memorySeconds())
          .isCloseTo(whole, within(0.05 * whole));
    }
    assertThat(blend.makespanSeconds()).isLessThan(dfs.makespanSeconds());
    assertThat(blend.imbalance()).isLessThan(0.03);
  }

  @Test
  void theObjectiveDecidesWhetherMixingPays() {
    RequestSet.Builder builder = RequestSet.builder();
    Random random = new Random(31);
    for (int i = 0; i < 400; i++) {
      boolean writes = i % 4 == 0;
      int[] prompt = random.ints(writes ? 100 : 1_500, 0, 1_000).toArray();
      builder.add(prompt, writes ? 4_000 : 5, writes ? 4_000 : 5);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    CostModel time = RandomRequests.cost(1, 2e12);
    SchedulingPolicy blend = SchedulingPolicies.named("blend");
    assertThat(blend.order(tree, time, 100_000).isDualScan()).isTrue();
    // A device that draws nothing when idle gains no energy by overlapping.
    CostModel workOnly = time.withObjective(new Objective("energy", 0, 300, 100, "J"));
    PlannedOrder kept = blend.order(tree, workOnly, 100_000);
    assertThat(kept.isDualScan()).isFalse();
    assertThat(kept.notes().get(0)).contains("0.0% of the energy", "pure prefix order is kept");
    CostModel idle = time.withObjective(new Objective("energy", 300, 300, 100, "J"));
    assertThat(blend.order(tree, idle, 100_000).isDualScan()).isTrue();
  }

  @Test
  void whereRecomputingCostsMoreTheSplitGivesUpNoMoreSharing() {
    for (int round = 0; round < 40; round++) {
      long seed = 5_100 + round;
      RequestSet requests = RandomRequests.nested(new Random(seed), 150);
      PrefixTree tree = PrefixTree.build(requests);
      CostModel time = RandomRequests.cost(1);
      CostModel energy = time.withObjective(new Objective("energy", 1, 50, 1, "J"));
      TreeResources resources = tree.resources(time);
      long bound = tree.promptTokens();
      double rho = resources.density(0);
      long byTime = new SideSplit(tree, resources, time, rho, bound).mixedTokens();
      long byEnergy = new SideSplit(tree, resources, energy, rho, bound).mixedTokens();
      assertThat(byEnergy).as("seed " + seed).isLessThanOrEqualTo(byTime);
    }
  }

  @Test
  void unknownNamesListTheKnownOnes() {
    assertThatThrownBy(() -> SchedulingPolicies.named("lifo"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'lifo'")
        .hasMessageContaining("fcfs, random, dfs, longest-prefix-first, batchllm, ggr, blend");
  }
}
