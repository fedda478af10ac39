package dev.weft.jobs.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.Plan;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The parts of a plan of two levels, without Spark. */
class RangePlanTest {
  private static final CostModel COST =
      new CostModel(
          new ModelShape(8_000_000_000L, 32, 4096, 1024, 2, 2),
          new DeviceProfile("test", 3e14, 2e12, 1, "assumed"));
  private static final JobPlan.Limits LIMITS = new JobPlan.Limits(1, 1, 400_000, 16, 2048, 256);

  /** Both levels of a plan, as Spark would run them. */
  private record TwoLevels(List<RangePlan> plans, RangeCut cut, List<List<Row>> partitions) {
    static TwoLevels of(RequestTable table, String policy, int ranges, int partitions) {
      int[] some = IntStream.range(0, table.size()).filter(i -> i % 3 == 0).toArray();
      RangeBounds bounds = RangeBounds.of(table.subset(some), ranges, !policy.equals("fcfs"));
      List<List<Integer>> members = new ArrayList<>();
      for (int r = 0; r < bounds.ranges(); r++) {
        members.add(new ArrayList<>());
      }
      for (int i = 0; i < table.size(); i++) {
        members.get(bounds.rangeOf(table.requests().prompt(i), table.rowKeys()[i])).add(i);
      }
      RangeSpec spec = RangeSpec.of(policy, COST, LIMITS, new int[0]);
      double density = PrefixTree.build(table.requests()).resources(COST).density(0);
      List<RangePlan> plans = new ArrayList<>();
      for (List<Integer> places : members) {
        RequestTable range = table.subset(places.stream().mapToInt(p -> p).toArray());
        plans.add(RangePlan.of(range, spec, density, Math.max(8, 64 * partitions / ranges)));
      }
      RangeCut cut =
          RangeCut.of(plans.stream().map(RangePlan::slices).toList(), COST, partitions, partitions);
      List<List<Row>> rows = new ArrayList<>();
      cut.partitions().forEach(p -> rows.add(new ArrayList<>()));
      for (int r = 0; r < plans.size(); r++) {
        for (Iterator<Row> i = plans.get(r).rows(cut.places().get(r)); i.hasNext(); ) {
          Row row = i.next();
          rows.get(row.getInt(1)).add(row);
        }
      }
      rows.forEach(p -> p.sort((a, b) -> Long.compare(a.getLong(2), b.getLong(2))));
      return new TwoLevels(plans, cut, rows);
    }

    long computedTokens() {
      return cut.partitions().stream().mapToLong(Partition::computedPromptTokens).sum();
    }
  }

  private static RequestTable table(List<int[]> prompts, int[] outputs) {
    RequestSet.Builder builder = RequestSet.builder();
    int n = prompts.size();
    long[] keys = new long[n];
    int[] ones = new int[n];
    for (int i = 0; i < n; i++) {
      keys[i] = 10L * i + 7;
      ones[i] = 1;
      builder.add(prompts.get(i), outputs[i], outputs[i]);
    }
    return new RequestTable(keys, ones, outputs, builder.build());
  }

  /** Groups with long common prefixes and of unlike output lengths, some prompts equal. */
  private static RequestTable random(Random random, int size) {
    int groups = 1 + random.nextInt(12);
    int[][] prefixes = new int[groups][];
    int[] answer = new int[groups];
    for (int g = 0; g < groups; g++) {
      prefixes[g] = random.ints(random.nextInt(300), 0, 1000).toArray();
      answer[g] = 1 + random.nextInt(random.nextBoolean() ? 8 : 800);
    }
    List<int[]> prompts = new ArrayList<>();
    int[] outputs = new int[size];
    for (int i = 0; i < size; i++) {
      if (i > 0 && random.nextInt(8) == 0) {
        int same = random.nextInt(i);
        prompts.add(prompts.get(same));
        outputs[i] = outputs[same];
        continue;
      }
      int g = (int) (groups * random.nextDouble() * random.nextDouble());
      int own = 1 + random.nextInt(60);
      int[] prompt = Arrays.copyOf(prefixes[g], prefixes[g].length + own);
      for (int t = prefixes[g].length; t < prompt.length; t++) {
        prompt[t] = random.nextInt(1000);
      }
      prompts.add(prompt);
      outputs[i] = 1 + random.nextInt(2 * answer[g]);
    }
    return table(prompts, outputs);
  }

  @ParameterizedTest
  @ValueSource(strings = {"blend", "dfs", "fcfs"})
  void everyRequestIsPlannedOnceAndTheSameAgain(String policy) {
    for (int round = 0; round < 40; round++) {
      long seed = 4_400 + round;
      Random random = new Random(seed);
      RequestTable table = random(random, 1 + random.nextInt(400));
      int ranges = 1 + random.nextInt(12);
      int partitions = 1 + random.nextInt(9);
      TwoLevels plan = TwoLevels.of(table, policy, ranges, partitions);
      String label = policy + " seed " + seed;
      Set<Long> keys = new HashSet<>();
      for (List<Row> rows : plan.partitions()) {
        assertThat(rows).as(label).isNotEmpty();
        rows.forEach(row -> assertThat(keys.add(row.getLong(0))).as(label).isTrue());
      }
      assertThat(keys).as(label).hasSize(table.size());
      assertThat(plan.cut().partitions().stream().mapToInt(Partition::size).sum())
          .as(label)
          .isEqualTo(table.size());
      for (int p = 0; p < plan.partitions().size(); p++) {
        assertThat(plan.partitions().get(p))
            .as(label)
            .hasSize(plan.cut().partitions().get(p).size());
      }
      assertThat(TwoLevels.of(table, policy, ranges, partitions).partitions())
          .as(label)
          .isEqualTo(plan.partitions());
      if (policy.equals("fcfs")) {
        assertThat(plan.partitions().stream().flatMap(List::stream).map(row -> row.getLong(0)))
            .as(label)
            .isSorted();
      }
    }
  }

  @Test
  void partitionsTakeEqualTimeAtTheDensityOfTheWholeAndKeepTheSharing() {
    for (long seed = 1; seed <= 4; seed++) {
      RequestTable table = random(new Random(seed), 6_000);
      int partitions = 6;
      TwoLevels plan = TwoLevels.of(table, "blend", 16, partitions);
      PrefixTree tree = PrefixTree.build(table.requests());
      Plan one =
          JobPlan.of(
                  table,
                  tree,
                  "blend",
                  COST,
                  new JobPlan.Limits(partitions, partitions, 400_000, 16, 2048, 256),
                  PlanProgress.NONE)
              .plan();
      long saved = tree.promptTokens() - plan.computedTokens();
      double density = tree.resources(COST).density(0);
      double worst = 0;
      for (Partition p : plan.cut().partitions()) {
        worst =
            Math.max(worst, Math.abs(Math.log(p.computeSeconds() / p.memorySeconds() / density)));
      }
      System.out.printf(
          "seed %d: two levels save %d tokens, one level %d (%.2f%%), imbalance %.2f%% and %.2f%%,"
              + " density of a partition within a factor of %.3f of the whole%n",
          seed,
          saved,
          one.savedTokensAfterCut(),
          100.0 * saved / one.savedTokensAfterCut(),
          100 * plan.cut().imbalance(),
          100 * one.imbalance(),
          Math.exp(worst));
      assertThat(plan.cut().imbalance()).as("seed %d", seed).isLessThan(0.03);
      assertThat(Math.exp(worst)).as("seed %d", seed).isLessThan(1.25);
      assertThat(saved).as("seed %d", seed).isGreaterThan(one.savedTokensAfterCut() * 97 / 100);
    }
  }

  @Test
  void morePartitionsThanSlotsGetSmallerSoThatSlotsEndTogether() {
    RequestTable table = random(new Random(11), 6_000);
    List<List<RangePlan.Slice>> slices =
        TwoLevels.of(table, "blend", 64, 4).plans().stream().map(RangePlan::slices).toList();
    RangeCut cut = RangeCut.of(slices, COST, 12, 4);
    double[] seconds = cut.partitions().stream().mapToDouble(Partition::totalSeconds).toArray();
    assertThat(seconds).hasSize(12);
    double main = Arrays.stream(seconds, 0, 4).average().orElseThrow();
    assertThat(Arrays.stream(seconds, 4, 8).max().orElseThrow()).isLessThan(main / 4);
    assertThat(Arrays.stream(seconds, 8, 12).average().orElseThrow())
        .isLessThan(Arrays.stream(seconds, 4, 8).average().orElseThrow());
    assertThat(cut.imbalance()).isLessThan(0.03);
  }

  @Test
  void equalPromptsSpreadOverRangesAndUnequalPrefixesStayTogether() {
    int[] prompt = IntStream.range(0, 50).toArray();
    List<int[]> equal = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      equal.add(prompt);
    }
    int[] outputs = new int[300];
    Arrays.fill(outputs, 5);
    TwoLevels plan = TwoLevels.of(table(equal, outputs), "dfs", 4, 3);
    assertThat(plan.plans())
        .allSatisfy(p -> assertThat(p.rowKeys().length).isBetween(50, 100))
        .hasSize(4);
    assertThat(plan.cut().partitions()).hasSize(3);

    // Four tasks of 75 requests each with prefixes of their own: no border within a task.
    List<int[]> tasks = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int[] own = prompt.clone();
      own[0] = 1_000 + i % 4;
      own[49] = 2_000 + i;
      tasks.add(own);
    }
    TwoLevels apart = TwoLevels.of(table(tasks, outputs), "dfs", 4, 4);
    assertThat(apart.plans()).allSatisfy(p -> assertThat(p.rowKeys()).hasSize(75));
  }

  @Test
  void oneRequestAndNothingSharedArePlanned() {
    TwoLevels one = TwoLevels.of(table(List.of(new int[] {1}), new int[] {3}), "blend", 5, 4);
    assertThat(one.partitions()).hasSize(1);
    List<int[]> different = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      different.add(new int[] {i, 1, 2});
    }
    int[] outputs = new int[100];
    Arrays.fill(outputs, 4);
    TwoLevels plan = TwoLevels.of(table(different, outputs), "blend", 5, 4);
    assertThat(plan.computedTokens()).isEqualTo(300);
    assertThat(plan.cut().imbalance()).isLessThan(0.1);
  }
}
