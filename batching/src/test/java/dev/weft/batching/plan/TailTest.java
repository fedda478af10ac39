package dev.weft.batching.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.simulate.Simulator;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TailTest {
  private static final CostModel COST = RandomRequests.cost(0.7, 2e12);
  private static final int PER_SLOT = 120;
  private static final int PREFIX = 64;

  /** Tasks of 40 requests with an answer length of their own. */
  private static RequestSet tasks(Random random, int requests, int longOnes) {
    RequestSet.Builder builder = RequestSet.builder();
    int mean = 0;
    for (int i = 0; i < requests; i++) {
      if (i % 40 == 0) {
        mean = 4 + random.nextInt(60);
      }
      int[] prompt = new int[PREFIX + 8 + random.nextInt(60)];
      for (int t = 0; t < prompt.length; t++) {
        prompt[t] = t < PREFIX ? i / 40 : random.nextInt(10_000);
      }
      int output = longOnes > 0 && i % longOnes == 0 ? 1_000 : mean;
      builder.add(prompt, output, 2_000);
    }
    return builder.build();
  }

  /** Lengths that are off by a factor of each task, up to 2 either way, and scattered around it. */
  private static int[] truth(Random random, RequestSet requests) {
    double[] factors = new double[requests.size() / 40 + 1];
    Arrays.setAll(factors, i -> Math.pow(2, 2 * random.nextDouble() - 1));
    int[] lengths = new int[requests.size()];
    Arrays.setAll(
        lengths,
        i ->
            (int)
                Math.ceil(
                    requests.estimatedOutputTokens(i)
                        * factors[i / 40]
                        * (0.5 + random.nextDouble())));
    return lengths;
  }

  private static double[] ends(Plan plan, RequestSet requests, int[] lengths, int slots) {
    Simulator simulator = new Simulator(COST, new StepLimits(256, 32), 800, 16);
    double[] seconds =
        plan.partitions().stream()
            .mapToDouble(p -> simulator.run(requests, plan.order(), p, lengths).seconds())
            .toArray();
    return PieceSizes.finishSeconds(seconds, slots);
  }

  private static Plan plan(PrefixTree tree, String policy, int pieces, int slots) {
    return new Planner(COST, new PlanOptions(pieces, slots, 12_800, 16))
        .plan(tree, SchedulingPolicies.named(policy));
  }

  @Test
  void slotsEndTogetherAlthoughLengthsAreOff() {
    for (int slots : new int[] {2, 4, 8, 64}) {
      double plain = 0;
      double tail = 0;
      int seeds = slots == 64 ? 1 : 4;
      for (long seed = 1; seed <= seeds; seed++) {
        Random random = new Random(seed);
        RequestSet requests = tasks(random, slots * PER_SLOT, 0);
        int[] lengths = truth(random, requests);
        PrefixTree tree = PrefixTree.build(requests);
        Plan one = plan(tree, "dfs", slots, slots);
        Plan four = plan(tree, "dfs", 4 * slots, slots);
        double without = PieceSizes.imbalance(ends(one, requests, lengths, slots));
        double with = PieceSizes.imbalance(ends(four, requests, lengths, slots));
        System.out.printf(
            "seed %d, %d slots: imbalance %.1f%% with %d partitions, %.1f%% with %d; %d and %d"
                + " shared tokens lost%n",
            seed,
            slots,
            100 * without,
            one.partitions().size(),
            100 * with,
            four.partitions().size(),
            one.tokensLostByCut(),
            four.tokensLostByCut());
        assertThat(four.partitions()).hasSize(4 * slots);
        assertThat(four.tokensLostByCut())
            .as("a path for each cut")
            .isLessThanOrEqualTo((4L * slots - 1) * (PREFIX + 1));
        plain += without / seeds;
        tail += with / seeds;
      }
      assertThat(tail).as("%d slots", slots).isLessThan(0.6 * plain);
    }
  }

  @Test
  void whatTakesLongIsNotLeftForTheSmallPartitions() {
    RequestSet requests = tasks(new Random(3), 2_000, 97);
    PrefixTree tree = PrefixTree.build(requests);
    for (String policy : new String[] {"dfs", "fcfs", "blend"}) {
      Plan plan = plan(tree, policy, 16, 4);
      int begin = plan.partitions().get(4).from();
      int late = 0;
      for (int i = begin; i < plan.order().size(); i++) {
        late += requests.estimatedOutputTokens(plan.order().request(i)) == 1_000 ? 1 : 0;
      }
      assertThat(late).as(policy).isZero();
      assertThat(Arrays.stream(plan.order().requests()).distinct().count()).isEqualTo(2_000);
      long possible = tree.promptTokens() - tree.distinctTokens();
      assertThat(plan.savedTokensAfterCut()).as(policy).isGreaterThan(possible * 95 / 100);
    }
  }

  @Test
  void sizesAreEqualOrShrinkRoundByRound() {
    assertThat(PieceSizes.of(4, 4)).containsOnly(1);
    assertThat(PieceSizes.of(3, 8)).containsOnly(1);
    for (int slots : new int[] {1, 2, 7, 64}) {
      for (int pieces : new int[] {slots + 1, 2 * slots, 4 * slots, 7 * slots + 3}) {
        double[] sizes = PieceSizes.of(pieces, slots);
        assertThat(sizes).hasSize(pieces);
        for (int i = 1; i < pieces; i++) {
          assertThat(sizes[i]).isLessThanOrEqualTo(sizes[i - 1]).isPositive();
        }
      }
    }
    double[] sizes = PieceSizes.of(16, 4);
    assertThat(4 / Arrays.stream(sizes).sum()).isBetween(0.84, 0.86);
  }
}
