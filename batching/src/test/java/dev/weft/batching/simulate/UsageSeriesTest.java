package dev.weft.batching.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UsageSeriesTest {
  @Test
  void addsUpToTheSimulatedRun() {
    CostModel cost = RandomRequests.cost(0.5);
    for (int round = 0; round < 30; round++) {
      long seed = 7_100 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(60));
      PlannedOrder order =
          SchedulingPolicies.named("dfs").order(PrefixTree.build(requests), cost, 1_600);
      int[] outputs = new int[requests.size()];
      Arrays.setAll(outputs, requests::estimatedOutputTokens);
      int wanted = 1 + random.nextInt(40);
      UsageSeries series = new UsageSeries(wanted);
      SimulatedRun run =
          new Simulator(cost, new StepLimits(128, 16), 100, 16)
              .run(requests, order, 0, order.size(), outputs, series);

      String label = "seed " + seed;
      assertThat(series.intervals()).as(label).isBetween(1, 2 * wanted);
      assertThat(series.seconds()).as(label).isCloseTo(run.seconds(), within(1e-9));
      double compute = 0;
      double memory = 0;
      for (int i = 0; i < series.intervals(); i++) {
        double length =
            Math.min(series.intervalSeconds(), run.seconds() - i * series.intervalSeconds());
        compute += series.computeShares()[i] * length;
        memory += series.memoryShares()[i] * length;
        assertThat(series.kvTokens()[i]).as(label).isBetween(0.0, run.peakKvTokens() + 1e-6);
      }
      assertThat(compute).as(label).isCloseTo(run.computeSeconds(), within(1e-6));
      assertThat(memory).as(label).isCloseTo(run.memorySeconds(), within(1e-6));
    }
  }

  @Test
  void isEmptyForARunOfNoSteps() {
    UsageSeries series = new UsageSeries(10);
    series.step(0, 0, 0, 5);
    assertThat(series.intervals()).isZero();
    assertThat(series.computeShares()).isEmpty();
  }
}
