package dev.weft.batching.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.tree.PrefixTree;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SimulatorTest {
  @Test
  void accountsForEveryTokenAndRepeatsExactly() {
    CostModel cost = RandomRequests.cost(0.5);
    for (SchedulingPolicy policy : SchedulingPolicies.all()) {
      for (int round = 0; round < 20; round++) {
        long seed = 1_500 + round;
        Random random = new Random(seed);
        RequestSet requests = RandomRequests.nested(random, random.nextInt(80));
        PrefixTree tree = PrefixTree.build(requests);
        PlannedOrder order = policy.order(tree, cost, 100 * 16);
        Simulator simulator = new Simulator(cost, new StepLimits(128, 16), 100, 16);
        SimulatedRun run = simulator.run(requests, order);
        String label = policy.name() + " seed " + seed;
        var statistics = run.statistics();
        long decoded = 0;
        for (int i = 0; i < requests.size(); i++) {
          decoded += Math.max(1, requests.estimatedOutputTokens(i)) - 1;
        }
        assertThat(statistics.finished()).as(label).isEqualTo(requests.size());
        assertThat(statistics.decodeTokens()).as(label).isEqualTo(decoded);
        assertThat(statistics.prefillTokens() + statistics.sharedTokens())
            .as(label)
            .isEqualTo(tree.promptTokens());
        assertThat(run.peakKvTokens()).isLessThanOrEqualTo(1_600);
        assertThat(run.seconds())
            .as(label)
            .isBetween(
                Math.max(run.computeSeconds(), run.memorySeconds()) - 1e-9,
                run.computeSeconds() + run.memorySeconds() + 1e-9);
        assertThat(simulator.run(requests, order)).as(label).isEqualTo(run);
      }
    }
  }

  @Test
  void blendBeatsPrefixOrderWhereComputeAndMemoryOverlap() {
    // Tasks that read much and answer in two tokens, and requests that write much.
    CostModel cost =
        new CostModel(
            new ModelShape(1_000_000_000L, 16, 2048, 2048, 2, 1),
            new DeviceProfile("test", 2.5e14, 1.7e12, 1, "assumed"));
    Random random = new Random(12);
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < 6_000; i++) {
      boolean writes = i % 12 == 0;
      int[] prompt = new int[writes ? 100 : 1_200];
      for (int t = 0; t < prompt.length; t++) {
        prompt[t] = !writes && t < 400 ? i % 7 : 10 + random.nextInt(1_000);
      }
      int output = writes ? 1_000 + random.nextInt(2_000) : 2;
      builder.add(prompt, output, output);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    Simulator simulator = new Simulator(cost, new StepLimits(2_048, 2_048), 10_000, 16);
    SimulatedRun dfs = simulate(simulator, tree, cost, "dfs");
    SimulatedRun blend = simulate(simulator, tree, cost, "blend");
    double ideal = Math.max(dfs.computeSeconds(), dfs.memorySeconds());
    System.out.printf(
        "blend takes %.3f of dfs; the ideal is %.3f of dfs%n",
        blend.seconds() / dfs.seconds(), ideal / dfs.seconds());
    assertThat(blend.seconds()).isLessThan(0.9 * dfs.seconds());
    assertThat(blend.statistics().sharedTokens())
        .isGreaterThanOrEqualTo((long) (0.99 * tree.reusableTokens(16)));
  }

  private static SimulatedRun simulate(
      Simulator simulator, PrefixTree tree, CostModel cost, String policy) {
    PlannedOrder order = SchedulingPolicies.named(policy).order(tree, cost, 160_000);
    return simulator.run(tree.requests(), order);
  }

  @Test
  void canBeInterrupted() {
    RequestSet requests = RandomRequests.nested(new Random(1), 30);
    CostModel cost = RandomRequests.cost(0.5);
    PlannedOrder order =
        SchedulingPolicies.named("dfs").order(PrefixTree.build(requests), cost, 1_000);
    Simulator simulator = new Simulator(cost, new StepLimits(64, 8), 100, 16);
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> simulator.run(requests, order))
          .isInstanceOf(PlanningInterruptedException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
