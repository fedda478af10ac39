package dev.weft.batching.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PeerPoliciesTest {
  private static final CostModel COST = RandomRequests.cost(0.5);

  private static PlannedOrder order(String policy, PrefixTree tree) {
    return SchedulingPolicies.named(policy).order(tree, COST, 10_000);
  }

  @Test
  void longestPrefixFirstIsTheGreedyChoice() {
    for (int round = 0; round < 60; round++) {
      long seed = 2_600 + round;
      RequestSet requests = RandomRequests.nested(new Random(seed), 1 + round);
      int[] order = order("longest-prefix-first", PrefixTree.build(requests)).requests();
      int n = order.length;
      // longest[r]: what request r has in common with any request ordered so far.
      int[] longest = new int[n];
      boolean[] done = new boolean[n];
      assertThat(order[0]).as("seed " + seed).isEqualTo(firstOf(requests));
      for (int request : order) {
        for (int other = 0; other < n; other++) {
          if (!done[other]) {
            assertThat(longest[request])
                .as("seed %d: %d before %d", seed, request, other)
                .isGreaterThanOrEqualTo(longest[other]);
          }
        }
        done[request] = true;
        for (int other = 0; other < n; other++) {
          longest[other] = Math.max(longest[other], requests.commonPrefix(request, other, 0));
        }
      }
    }
  }

  /** The shortest prompt that is a prefix of request 0's, the earliest of equal ones. */
  private static int firstOf(RequestSet requests) {
    int first = 0;
    for (int other = 1; other < requests.size(); other++) {
      int length = requests.promptTokens(other);
      if (requests.commonPrefix(0, other, 0) == length && length < requests.promptTokens(first)) {
        first = other;
      }
    }
    return first;
  }

  @Test
  void longestPrefixFirstTakesSiblingsAsTheyCame() {
    RequestSet requests =
        RequestSet.builder()
            .add(new int[] {9, 1}, 1)
            .add(new int[] {5, 1}, 1)
            .add(new int[] {9, 0}, 1)
            .add(new int[] {5}, 1)
            .build();
    PrefixTree tree = PrefixTree.build(requests);
    assertThat(order("longest-prefix-first", tree).requests()).containsExactly(0, 2, 3, 1);
    assertThat(order("dfs", tree).requests()).containsExactly(3, 1, 2, 0);
  }

  @Test
  void greedyGroupsTakeTheHighestHitCountFirst() {
    // Prefixes of 3 tokens for two requests (hit count 9) and of 2 tokens for four (12).
    RequestSet.Builder builder = RequestSet.builder().add(new int[] {0, 0}, 1);
    for (int i = 0; i < 2; i++) {
      builder.add(new int[] {1, 1, 1, i}, 1);
    }
    for (int i = 0; i < 4; i++) {
      builder.add(new int[] {2, 2, i}, 1);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    assertThat(order("ggr", tree).requests()).containsExactly(3, 4, 5, 6, 1, 2, 0);
  }

  @Test
  void batchLlmSplitsAPrefixWhereTheLongerOnesSaveMore() {
    // All share 10 tokens; pairs share 20 more, which pays for computing the 10 twice, or only 5.
    for (int more : new int[] {20, 5}) {
      RequestSet.Builder builder = RequestSet.builder();
      for (int i = 0; i < 4; i++) {
        int[] prompt = new int[10 + more + 1];
        Arrays.fill(prompt, 10, prompt.length, 1 + i / 2);
        prompt[10 + more] = 100 + i;
        builder.add(prompt, 1 + i, 10);
      }
      PlannedOrder order = order("batchllm", PrefixTree.build(builder.build()));
      if (more == 20) {
        assertThat(order.notes().get(0)).contains("2 groups", "save 60 of the 70");
        assertThat(order.requests()).as("long outputs first").containsExactly(2, 3, 0, 1);
      } else {
        assertThat(order.notes().get(0)).contains("1 groups", "save 30 of the 40");
        assertThat(order.requests()).containsExactly(0, 1, 2, 3);
      }
    }
  }

  @Test
  void batchLlmComesCloseToTheBestGroupsOfOneLevel() {
    long saved = 0;
    long best = 0;
    double worst = 1;
    for (int round = 0; round < 300; round++) {
      PrefixTree tree =
          PrefixTree.build(RandomRequests.nested(new Random(2_700 + round), 2 + round % 40));
      int[] group = BatchLlm.groups(tree);
      int[] members = new int[tree.nodes()];
      for (int position = 0; position < tree.requests().size(); position++) {
        int node = tree.nodeAt(position);
        assertThat(tree.commonAncestor(group[node], node)).isEqualTo(group[node]);
        members[group[node]]++;
      }
      long mine = 0;
      for (int node = 1; node < members.length; node++) {
        mine += members[node] == 0 ? 0 : (members[node] - 1L) * tree.depthTokens(node);
      }
      long possible = bestSaving(tree, 0, 0);
      assertThat(mine).as("seed " + (2_700 + round)).isLessThanOrEqualTo(possible);
      saved += mine;
      best += possible;
      worst = possible == 0 ? worst : Math.min(worst, (double) mine / possible);
    }
    System.out.printf(
        "batchllm groups save %.2f%% of the best one-level groups, at worst %.1f%%%n",
        100.0 * saved / best, 100 * worst);
    assertThat(saved).isGreaterThan((long) (0.97 * best));
  }

  /** Most tokens saved below a node if the nearest group above has a prefix of {@code above}. */
  private static long bestSaving(PrefixTree tree, int node, int above) {
    long own = tree.ownEndPosition(node) - tree.firstPosition(node);
    int depth = tree.depthTokens(node);
    long without = own * above;
    long with = own * depth - depth;
    for (int child = node + 1; child < tree.subtreeEnd(node); child = tree.subtreeEnd(child)) {
      without += bestSaving(tree, child, above);
      with += bestSaving(tree, child, depth);
    }
    return Math.max(without, with);
  }

  @Test
  void batchLlmRunsGroupsByFallingRatioOfOutputToPrompt() {
    RequestSet.Builder builder = RequestSet.builder();
    Random random = new Random(5);
    for (int i = 0; i < 200; i++) {
      int[] prompt = new int[20 + random.nextInt(30)];
      Arrays.fill(prompt, 0, 15, i % 20);
      prompt[15] = 1_000 + i;
      builder.add(prompt, 1 + random.nextInt(100), 100);
    }
    RequestSet requests = builder.build();
    PrefixTree tree = PrefixTree.build(requests);
    int[] order = order("batchllm", tree).requests();
    List<Double> ratios = new ArrayList<>();
    for (int at = 0; at < order.length; at += 10) {
      double output = 0;
      double prompt = 15;
      for (int i = at; i < at + 10; i++) {
        assertThat(requests.token(order[i], 0)).isEqualTo(requests.token(order[at], 0));
        output += requests.estimatedOutputTokens(order[i]);
        prompt += requests.promptTokens(order[i]) - 15;
      }
      ratios.add(-output / prompt);
    }
    assertThat(ratios).isSorted();
  }
}
