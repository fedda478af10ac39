package dev.weft.batching.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.OutputGroups;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.tree.PrefixTree;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UncertainLengthsTest {
  @Test
  void distributionsOfOneLengthChangeNothing() {
    CostModel cost = RandomRequests.cost(1);
    for (int round = 0; round < 20; round++) {
      long seed = 4_900 + round;
      RequestSet requests = RandomRequests.nested(new Random(seed), 80);
      int[] estimates = new int[requests.size()];
      OutputGroups.Builder groups = new OutputGroups.Builder(requests.size());
      for (int i = 0; i < estimates.length; i++) {
        estimates[i] = requests.estimatedOutputTokens(i);
        groups.set(i, groups.add(OutputDistribution.certain(estimates[i])));
      }
      PrefixTree plain = PrefixTree.build(requests);
      PrefixTree certain = plain.withOutputs(estimates, groups.build());
      for (SchedulingPolicy policy : SchedulingPolicies.all()) {
        PlannedOrder expected = policy.order(plain, cost, 1_600);
        PlannedOrder order = policy.order(certain, cost, 1_600);
        String label = policy.name() + " seed " + seed;
        assertThat(order.requests()).as(label).isEqualTo(expected.requests());
        Simulator simulator = new Simulator(cost, new StepLimits(128, 16), 100, 16);
        assertThat(simulator.run(certain.requests(), order))
            .as(label)
            .isEqualTo(simulator.run(requests, expected));
      }
    }
  }

  @Test
  void everyRequestEndsWhateverItsTrueLength() {
    CostModel cost = RandomRequests.cost(0.7);
    for (int round = 0; round < 30; round++) {
      long seed = 4_950 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(80));
      OutputGroups.Builder groups = new OutputGroups.Builder(requests.size());
      int[] estimates = new int[requests.size()];
      int[] truth = new int[requests.size()];
      for (int i = 0; i < truth.length; i++) {
        int max = requests.maxOutputTokens(i);
        int[] points = random.ints(1 + random.nextInt(16), 0, max + 1).sorted().toArray();
        OutputDistribution distribution = OutputDistribution.ofPoints(points);
        groups.set(i, groups.add(distribution));
        estimates[i] = (int) Math.round(distribution.mean(max));
        truth[i] = 1 + random.nextInt(max);
      }
      PrefixTree tree = PrefixTree.build(requests).withOutputs(estimates, groups.build());
      for (SchedulingPolicy policy : SchedulingPolicies.all()) {
        PlannedOrder order = policy.order(tree, cost, 1_600);
        Simulator simulator = new Simulator(cost, new StepLimits(128, 16), 100, 16);
        SimulatedRun run = simulator.run(tree.requests(), order, 0, order.size(), truth);
        String label = policy.name() + " seed " + seed;
        assertThat(run.statistics().finished()).as(label).isEqualTo(requests.size());
        assertThat(run.peakKvTokens()).as(label).isLessThanOrEqualTo(1_600);
      }
    }
  }
}
