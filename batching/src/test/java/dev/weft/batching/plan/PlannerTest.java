package dev.weft.batching.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PlannerTest {
  private static final CostModel COST = RandomRequests.cost(0.7);

  @Test
  void partitionsCoverTheOrderAndTheirSumsEqualASeparateTreeOfEach() {
    for (SchedulingPolicy policy : SchedulingPolicies.all()) {
      for (int round = 0; round < 40; round++) {
        long seed = 1_100 + round;
        String label = policy.name() + " seed " + seed;
        Random random = new Random(seed);
        RequestSet requests = RandomRequests.nested(random, random.nextInt(200));
        PrefixTree tree = PrefixTree.build(requests);
        int pageTokens = 1 + random.nextInt(20);
        int pieces = 1 + random.nextInt(9);
        Plan plan =
            new Planner(COST, new PlanOptions(pieces, 5_000, pageTokens)).plan(tree, policy);
        int at = 0;
        long reusable = 0;
        long saved = 0;
        for (Partition partition : plan.partitions()) {
          assertThat(partition.from()).as(label).isEqualTo(at);
          at = partition.to();
          RequestSet.Builder piece = RequestSet.builder();
          for (int i = partition.from(); i < partition.to(); i++) {
            int request = plan.order().request(i);
            piece.add(
                requests.prompt(request),
                requests.estimatedOutputTokens(request),
                requests.maxOutputTokens(request));
          }
          PrefixTree own = PrefixTree.build(piece.build());
          assertThat(partition.computedPromptTokens()).as(label).isEqualTo(own.distinctTokens());
          assertThat(partition.promptTokens()).as(label).isEqualTo(own.promptTokens());
          double compute = own.resources(COST).computeSeconds(0);
          assertThat(Math.abs(partition.computeSeconds() - compute))
              .as(label)
              .isLessThanOrEqualTo(1e-9 * compute);
          reusable += own.reusableTokens(pageTokens);
          saved += own.promptTokens() - own.distinctTokens();
        }
        assertThat(at).as(label).isEqualTo(requests.size());
        assertThat(plan.partitions()).hasSize(Math.max(1, Math.min(pieces, requests.size())));
        assertThat(plan.reusableTokensAfterCut()).as(label).isEqualTo(reusable);
        assertThat(plan.reusableTokens()).isEqualTo(tree.reusableTokens(pageTokens));
        assertThat(plan.savedTokensAfterCut()).as(label).isEqualTo(saved);
        assertThat(plan.tokensLostByCut()).as(label).isNotNegative();
      }
    }
  }

  @Test
  void cutsFallOnSubtreeBordersAndBalance() {
    // 40 tasks of 100 requests: 800 tokens of instructions each, then 20 of their own.
    Random random = new Random(5);
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < 4_000; i++) {
      int[] prompt = new int[820];
      java.util.Arrays.fill(prompt, 0, 800, i % 40);
      for (int t = 800; t < 820; t++) {
        prompt[t] = random.nextInt(1_000);
      }
      builder.add(prompt, 14 + i / 40 % 3, 30);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    for (int pieces : new int[] {2, 4, 8}) {
      Plan plan =
          new Planner(COST, new PlanOptions(pieces, 100_000, 16))
              .plan(tree, SchedulingPolicies.named("dfs"));
      assertThat(plan.imbalance()).as(pieces + " pieces").isLessThan(0.03);
      assertThat(plan.tokensLostByCut())
          .as("borders of tasks are near enough")
          .isLessThan(20L * pieces);
    }
  }

  @Test
  void planningReportsProgressAndCanBeInterrupted() {
    PrefixTree tree = PrefixTree.build(RandomRequests.nested(new Random(2), 50));
    Planner planner = new Planner(COST, new PlanOptions(3, 1_000, 16));
    List<Double> done = new ArrayList<>();
    planner.plan(tree, SchedulingPolicies.named("blend"), (stage, part) -> done.add(part));
    assertThat(done).isSorted().startsWith(0.0).endsWith(1.0);
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> planner.plan(tree, SchedulingPolicies.named("blend")))
          .isInstanceOf(PlanningInterruptedException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
