package dev.weft.batching.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.RequestSet;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

class PrefixTreeTest {
  @Test
  void sortsLexicographicallyWithPrefixesFirstAndTiesByNumber() {
    for (int round = 0; round < 100; round++) {
      long seed = 100 + round;
      RequestSet requests = RandomRequests.nested(new Random(seed), 1 + round);
      PrefixTree tree = PrefixTree.build(requests);
      Integer[] expected = IntStream.range(0, requests.size()).boxed().toArray(Integer[]::new);
      Arrays.sort(
          expected,
          Comparator.comparing(requests::prompt, (int[] a, int[] b) -> Arrays.compare(a, b))
              .thenComparing(i -> i));
      assertThat(tree.sortedRequests())
          .as("seed " + seed)
          .containsExactly(Arrays.stream(expected).mapToInt(i -> i).toArray());
    }
  }

  @Test
  void structureAndSumsEqualBruteForceOverAllPrefixes() {
    CostModel cost = RandomRequests.cost(0.5);
    for (int round = 0; round < 60; round++) {
      long seed = 200 + round;
      String label = "seed " + seed;
      RequestSet requests = RandomRequests.nested(new Random(seed), 1 + round);
      PrefixTree tree = PrefixTree.build(requests);
      Map<List<Integer>, Integer> counts = new HashMap<>();
      double memory = 0;
      double decode = 0;
      for (int i = 0; i < requests.size(); i++) {
        List<Integer> prompt = Arrays.stream(requests.prompt(i)).boxed().toList();
        for (int length = 1; length <= prompt.size(); length++) {
          counts.merge(prompt.subList(0, length), 1, Integer::sum);
        }
        int output = requests.estimatedOutputTokens(i);
        memory += cost.memorySeconds(prompt.size(), output);
        decode += cost.decodeComputeSeconds(output);
      }
      double prefill = 0;
      for (List<Integer> prefix : counts.keySet()) {
        prefill += cost.prefillSeconds(prefix.size() - 1, prefix.size());
      }
      assertThat(tree.distinctTokens()).as(label).isEqualTo(counts.size());
      TreeResources resources = tree.resources(cost);
      assertThat(resources.memorySeconds(0)).as(label).isCloseTo(memory, within(1e-9 * memory));
      assertThat(resources.computeSeconds(0))
          .as(label)
          .isCloseTo(prefill + decode, within(1e-9 * (prefill + decode)));
      for (int node = 1; node < tree.nodes(); node++) {
        int request = tree.requestAt(tree.firstPosition(node));
        List<Integer> prefix =
            Arrays.stream(requests.prompt(request), 0, tree.depthTokens(node)).boxed().toList();
        assertThat(tree.requestCount(node)).as(label).isEqualTo(counts.get(prefix));
        assertThat(tree.spanTokens(node)).as(label).isPositive();
        assertThat(tree.parent(node)).as(label).isLessThan(node);
        assertThat(tree.subtreeEnd(node)).isBetween(node + 1, tree.subtreeEnd(tree.parent(node)));
      }
      checkChildrenAndEnds(tree, label);
    }
  }

  private static void checkChildrenAndEnds(PrefixTree tree, String label) {
    int[] nodeOf = tree.nodeOfRequests();
    for (int position = 0; position < nodeOf.length; position++) {
      int request = tree.requestAt(position);
      int node = tree.nodeAt(position);
      assertThat(nodeOf[request]).isEqualTo(node);
      assertThat(tree.depthTokens(node)).as(label).isEqualTo(tree.requests().promptTokens(request));
      assertThat(position).isBetween(tree.firstPosition(node), tree.ownEndPosition(node) - 1);
      if (position > 0) {
        int above = tree.commonAncestor(node, tree.nodeAt(position - 1));
        assertThat(tree.depthTokens(above)).as(label).isEqualTo(tree.commonPrefixTokens(position));
      }
    }
    int children = 0;
    for (int node = 0; node < tree.nodes(); node++) {
      for (int child = node + 1; child < tree.subtreeEnd(node); child = tree.subtreeEnd(child)) {
        assertThat(tree.parent(child)).as(label).isEqualTo(node);
        children++;
      }
    }
    assertThat(children).as(label).isEqualTo(tree.nodes() - 1);
  }

  @Test
  void reusableTokensEqualAPageHashSimulation() {
    for (int round = 0; round < 200; round++) {
      long seed = 300 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(80));
      PrefixTree tree = PrefixTree.build(requests);
      int pageTokens = 1 + random.nextInt(40);
      assertThat(tree.reusableTokens(pageTokens))
          .as("seed " + seed)
          .isEqualTo(simulatePages(requests, tree.sortedRequests(), pageTokens));
    }
  }

  /** Tokens found in an unlimited set of pages, each named by all tokens up to its end. */
  private static long simulatePages(RequestSet requests, int[] order, int pageTokens) {
    Set<List<Integer>> pages = new HashSet<>();
    long reused = 0;
    for (int request : order) {
      List<Integer> prompt = Arrays.stream(requests.prompt(request)).boxed().toList();
      int page = 0;
      while ((page + 1) * pageTokens < prompt.size()
          && pages.contains(prompt.subList(0, (page + 1) * pageTokens))) {
        page++;
      }
      reused += (long) page * pageTokens;
      for (page = 1; page * pageTokens <= prompt.size(); page++) {
        pages.add(prompt.subList(0, page * pageTokens));
      }
    }
    return reused;
  }

  @Test
  void degenerateSetsWork() {
    PrefixTree empty = PrefixTree.build(RequestSet.builder().build());
    assertThat(empty.nodes()).isEqualTo(1);
    assertThat(empty.promptTokens()).isZero();
    assertThat(empty.reusableTokens(16)).isZero();
    PrefixTree one = PrefixTree.build(RequestSet.builder().add(new int[] {5}, 3).build());
    assertThat(one.nodes()).isEqualTo(2);
    assertThat(one.distinctTokens()).isEqualTo(1);
    RequestSet.Builder same = RequestSet.builder().add(new int[48], 4);
    for (int i = 0; i < 9; i++) {
      same.addSamePrompt(0, 4, 4);
    }
    PrefixTree identical = PrefixTree.build(same.build());
    assertThat(identical.nodes()).isEqualTo(2);
    assertThat(identical.promptTokens()).isEqualTo(480);
    assertThat(identical.distinctTokens()).isEqualTo(48);
    assertThat(identical.reusableTokens(16)).isEqualTo(9 * 32);
  }

  @Test
  void aChainOfEverLongerPromptsNeedsNoRecursion() {
    RequestSet.Builder builder = RequestSet.builder();
    int[] tokens = new int[3_000];
    for (int i = 0; i < tokens.length; i++) {
      builder.add(tokens, 0, i + 1, 1, 1);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    assertThat(tree.nodes()).isEqualTo(3_001);
    assertThat(tree.distinctTokens()).isEqualTo(3_000);
  }

  @Test
  void sharingSummaryAddsUp() {
    for (int round = 0; round < 40; round++) {
      long seed = 400 + round;
      PrefixTree tree = PrefixTree.build(RandomRequests.nested(new Random(seed), 60));
      SharingSummary summary = SharingSummary.of(tree, 5);
      assertThat(summary.levels().stream().mapToLong(l -> l.promptTokens()).sum())
          .as("seed " + seed)
          .isEqualTo(tree.promptTokens());
      assertThat(summary.levels().stream().mapToLong(l -> l.distinctTokens()).sum())
          .isEqualTo(tree.distinctTokens());
      assertThat(summary.topPrefixes()).hasSizeLessThanOrEqualTo(5);
      assertThat(summary.topPrefixes())
          .isSortedAccordingTo(
              Comparator.comparingLong(SharingSummary.SharedPrefix::savedTokens).reversed());
      assertThat(
              SharingSummary.of(tree, Integer.MAX_VALUE).topPrefixes().stream()
                  .mapToLong(SharingSummary.SharedPrefix::savedTokens)
                  .sum())
          .isEqualTo(tree.promptTokens() - tree.distinctTokens());
    }
  }

  @Test
  void theTreeDoesNotDependOnTheNumberOfThreads() {
    CostModel cost = RandomRequests.cost(0.5);
    for (int round = 0; round < 60; round++) {
      long seed = 500 + round;
      RequestSet requests = RandomRequests.nested(new Random(seed), 1 + 5 * round);
      PrefixTree one = PrefixTree.build(requests, 1);
      PrefixTree many = PrefixTree.build(requests, 1 + round % 4, 2 + round % 7);
      assertThat(many.sortedRequests()).as("seed " + seed).containsExactly(one.sortedRequests());
      assertThat(many.nodes()).as("seed " + seed).isEqualTo(one.nodes());
      for (int position = 0; position < requests.size(); position++) {
        assertThat(many.commonPrefixTokens(position)).isEqualTo(one.commonPrefixTokens(position));
      }
      assertThat(many.resources(cost).density(0)).isEqualTo(one.resources(cost).density(0));
    }
  }

  @Test
  void aLargeTreeHasTheSameSumsWithEveryNumberOfThreads() {
    RequestSet.Builder builder = RequestSet.builder();
    Random random = new Random(550);
    int n = 3 * PrefixSort.GRAIN;
    for (int i = 0; i < n; i++) {
      builder.add(new int[] {random.nextInt(5), random.nextInt(50), random.nextInt()}, i % 90, 90);
    }
    RequestSet requests = builder.build();
    PrefixTree one = PrefixTree.build(requests, 1);
    PrefixTree many = PrefixTree.build(requests, 3);
    assertThat(many.sortedRequests()).containsExactly(one.sortedRequests());
    TreeResources expected = one.resources(RandomRequests.cost(0.5));
    TreeResources sums = many.resources(RandomRequests.cost(0.5));
    for (int node = 0; node < one.nodes(); node++) {
      assertThat(sums.computeSeconds(node)).isEqualTo(expected.computeSeconds(node));
      assertThat(sums.memorySeconds(node)).isEqualTo(expected.memorySeconds(node));
    }
  }

  @Test
  void workersStopWhenThePlanningThreadIsInterrupted() throws InterruptedException {
    PlanningPool pool = new PlanningPool(2);
    CountDownLatch started = new CountDownLatch(2);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Runnable endless =
        () -> {
          started.countDown();
          while (true) {
            pool.check();
          }
        };
    Thread planning =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    pool.run(() -> pool.both(endless, endless));
                  } catch (PlanningInterruptedException e) {
                    thrown.set(Thread.currentThread().isInterrupted() ? e : null);
                  }
                });
    started.await();
    planning.interrupt();
    planning.join();
    assertThat(thrown.get()).isInstanceOf(PlanningInterruptedException.class);
  }

  @Test
  void buildingCanBeInterrupted() {
    RequestSet requests = RandomRequests.nested(new Random(1), 100);
    Thread.currentThread().interrupt();
    try {
      Assertions.assertThatExceptionOfType(PlanningInterruptedException.class)
          .isThrownBy(() -> PrefixTree.build(requests));
      Assertions.assertThatExceptionOfType(PlanningInterruptedException.class)
          .isThrownBy(() -> PrefixTree.build(requests, 2, 10));
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
