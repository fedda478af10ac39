package dev.weft.batching.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.Plan;
import dev.weft.batching.plan.PlanOptions;
import dev.weft.batching.plan.Planner;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.simulate.SimulatedRun;
import dev.weft.batching.simulate.Simulator;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Inputs at the edge: every policy plans them whole, with finite numbers, and they run. */
class DegenerateInputsTest {
  private static final int KV_PAGES = 40;
  private static final int PAGE_TOKENS = 16;

  static Iterable<SchedulingPolicy> policies() {
    return SchedulingPolicies.all();
  }

  private static Map<String, RequestSet> inputs() {
    Map<String, RequestSet> inputs = new LinkedHashMap<>();
    Random random = new Random(8);
    put(inputs, "nothing", b -> {});
    put(inputs, "one request", b -> b.add(new int[] {4, 5, 6}, 3));
    put(inputs, "one token", b -> b.add(new int[] {4}, 1, 1));
    put(inputs, "no sharing", b -> times(60, i -> b.add(new int[] {i, 7, 7}, 1 + i)));
    put(inputs, "lengths alone", b -> times(60, i -> b.addLength(1 + i, i, 60)));
    put(inputs, "all identical", b -> times(60, i -> b.add(new int[64], 8)));
    put(
        inputs,
        "identical prompts, outputs from 0 to 59",
        b -> times(60, i -> b.add(new int[48], i, i)));
    put(
        inputs,
        "prompts longer than the budget",
        b -> times(20, i -> b.add(new int[i % 2 == 0 ? 2_000 + i : 30], 5)));
    put(
        inputs,
        "only prompts longer than the budget",
        b -> times(5, i -> b.add(new int[1_000], 5)));
    put(
        inputs,
        "one needs all memory",
        b -> {
          b.add(new int[KV_PAGES * PAGE_TOKENS - 20], 20);
          times(30, i -> b.add(new int[] {1, i}, 4));
        });
    put(inputs, "zero outputs", b -> times(40, i -> b.add(random.ints(30, 0, 3).toArray(), 0, 0)));
    put(
        inputs,
        "densities all equal",
        b -> times(64, i -> b.add(new int[] {i / 16, i / 4, i, 1, 1, 1}, 12, 12)));
    put(
        inputs,
        "each prompt a prefix of the next",
        b -> times(60, i -> b.add(new int[60], 0, i + 1, 2, 2)));
    return inputs;
  }

  private static void put(
      Map<String, RequestSet> inputs, String name, Consumer<RequestSet.Builder> fill) {
    RequestSet.Builder builder = RequestSet.builder();
    fill.accept(builder);
    inputs.put(name, builder.build());
  }

  private static void times(int count, Consumer<Integer> add) {
    IntStream.range(0, count).boxed().forEach(add);
  }

  @ParameterizedTest
  @MethodSource("policies")
  void arePlannedWholeAndRun(SchedulingPolicy policy) {
    for (Map.Entry<String, RequestSet> input : inputs().entrySet()) {
      for (double overlap : new double[] {0, 1}) {
        String label = policy.name() + ", " + input.getKey() + ", overlap " + overlap;
        check(policy, input.getValue(), RandomRequests.cost(overlap), label);
      }
    }
  }

  private static void check(
      SchedulingPolicy policy, RequestSet requests, CostModel cost, String label) {
    PrefixTree tree = PrefixTree.build(requests);
    long budget = (long) KV_PAGES * PAGE_TOKENS;
    Plan plan = new Planner(cost, new PlanOptions(4, budget, PAGE_TOKENS)).plan(tree, policy);
    int[] order = plan.order().requests();
    Arrays.sort(order);
    assertThat(order).as(label).containsExactly(IntStream.range(0, requests.size()).toArray());
    assertThat(plan.partitions().stream().mapToInt(Partition::size).sum())
        .as(label)
        .isEqualTo(requests.size());
    assertThat(plan.totalSeconds()).as(label).isFinite().isNotNegative();
    assertThat(plan.makespanSeconds()).as(label).isFinite().isNotNegative();
    assertThat(plan.imbalance()).as(label).isFinite();
    assertThat(String.join(" ", plan.notes())).as(label).doesNotContain("NaN", "Infinity");
    Simulator simulator = new Simulator(cost, new StepLimits(64, 8), KV_PAGES, PAGE_TOKENS);
    SimulatedRun run = simulator.run(requests, plan.order());
    long fitting = 0;
    for (int i = 0; i < requests.size(); i++) {
      fitting += requests.promptTokens(i) + requests.maxOutputTokens(i) <= budget ? 1 : 0;
    }
    assertThat(run.statistics().finished()).as(label).isEqualTo(fitting);
    assertThat(run.peakKvTokens()).as(label).isLessThanOrEqualTo(budget);
  }
}
