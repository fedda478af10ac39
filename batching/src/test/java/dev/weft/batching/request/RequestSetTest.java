package dev.weft.batching.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestSetTest {
  @Test
  void unitsMeanTheSameAsTheExpandedPrompts() {
    for (int round = 0; round < 150; round++) {
      long seed = 2_000 + round;
      String label = "seed " + seed;
      RequestSet compact = randomUnits(new Random(seed));
      RequestSet expanded = expand(compact);
      int n = compact.size();
      for (int a = 0; a < n; a++) {
        int[] prompt = compact.prompt(a);
        assertThat(prompt).as(label).hasSize(compact.promptTokens(a));
        for (int position = 0; position < prompt.length; position++) {
          assertThat(compact.token(a, position)).as(label).isEqualTo(prompt[position]);
        }
        for (int b = 0; b < n; b++) {
          int common = expanded.commonPrefix(a, b, 0);
          assertThat(compact.commonPrefix(a, b, 0)).as(label).isEqualTo(common);
          assertThat(compact.commonPrefix(a, b, common)).as(label).isEqualTo(common);
          assertThat(compact.commonPrefix(a, b, common / 2)).as(label).isEqualTo(common);
        }
      }
      checkTrees(PrefixTree.build(compact), PrefixTree.build(expanded), label);
    }
  }

  private static void checkTrees(PrefixTree compact, PrefixTree expanded, String label) {
    assertThat(compact.sortedRequests()).as(label).containsExactly(expanded.sortedRequests());
    assertThat(compact.nodes()).as(label).isEqualTo(expanded.nodes());
    for (int node = 0; node < compact.nodes(); node++) {
      assertThat(compact.parent(node)).as(label).isEqualTo(expanded.parent(node));
      assertThat(compact.depthTokens(node)).as(label).isEqualTo(expanded.depthTokens(node));
    }
    assertThat(compact.reusableTokens(16)).as(label).isEqualTo(expanded.reusableTokens(16));
  }

  /** Prompts with shared beginnings, partial last units, repeated prompts and lengths alone. */
  private static RequestSet randomUnits(Random random) {
    int unitTokens = 1 + random.nextInt(9);
    RequestSet.Builder builder = RequestSet.builder(unitTokens);
    int n = 1 + random.nextInt(25);
    for (int i = 0; i < n; i++) {
      int max = random.nextInt(9);
      switch (random.nextInt(5)) {
        case 0 -> builder.addLength(1 + random.nextInt(40), max, max);
        case 1 -> {
          if (i > 0) {
            builder.addSamePrompt(random.nextInt(i), max, max);
          } else {
            builder.addLength(7, max, max);
          }
        }
        default -> {
          int[] ids = random.ints(1 + random.nextInt(6), 0, 2).toArray();
          int missing = random.nextInt(unitTokens);
          builder.addUnits(ids, ids.length * unitTokens - missing, max, max);
        }
      }
    }
    return builder.build();
  }

  private static RequestSet expand(RequestSet compact) {
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < compact.size(); i++) {
      builder.add(compact.prompt(i), compact.estimatedOutputTokens(i), compact.maxOutputTokens(i));
    }
    return builder.build();
  }

  @Test
  void lengthsAloneShareNothing() {
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < 1_000; i++) {
      builder.addLength(1 + i % 7, 3, 3);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    assertThat(tree.nodes()).isEqualTo(1_001);
    assertThat(tree.distinctTokens()).isEqualTo(tree.promptTokens());
    assertThat(tree.sortedRequests()).as("order of the input").isSorted();
  }

  @Test
  void knownOutputsAreKept() {
    RequestSet.Builder builder = RequestSet.builder();
    builder.add(new int[] {1}, 100).addKnownOutput(new int[] {1, 2}, 20).addLength(5, 7, 9);
    builder.addLength(5, 7, 9).markOutputKnown();
    RequestSet requests = builder.build();
    int[] estimates = new int[4];
    Arrays.fill(estimates, 8);
    RequestSet estimated = requests.withEstimatedOutputTokens(estimates);
    boolean[] known = {false, true, false, true};
    int[] expected = {8, 20, 8, 7};
    for (int i = 0; i < 4; i++) {
      assertThat(requests.isOutputKnown(i)).isEqualTo(known[i]);
      assertThat(estimated.isOutputKnown(i)).isEqualTo(known[i]);
      assertThat(estimated.estimatedOutputTokens(i)).isEqualTo(expected[i]);
    }
    assertThat(estimated.maxOutputTokens(1)).isEqualTo(20);
  }

  @Test
  void impossibleInputIsRefusedWithNumbers() {
    assertThatThrownBy(() -> RequestSet.builder(0)).hasMessageContaining("unitTokens");
    assertThatThrownBy(() -> RequestSet.builder().markOutputKnown())
        .isInstanceOf(IndexOutOfBoundsException.class);
    RequestSet.Builder builder = RequestSet.builder(16);
    assertThatThrownBy(() -> builder.addUnits(new int[] {1, 2}, 16, 1, 1))
        .hasMessageContaining("16 tokens does not have 2 units of 16");
    assertThatThrownBy(() -> builder.addUnits(new int[] {1, 2}, 33, 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addLength(0, 1, 1)).hasMessageContaining("empty prompt");
    builder.add(new int[] {-4}, 1).addLength(3, 1, 1);
    assertThatThrownBy(builder::build).hasMessageContaining("-4 is negative");
  }
}
