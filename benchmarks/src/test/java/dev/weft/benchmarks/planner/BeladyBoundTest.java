package dev.weft.benchmarks.planner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BeladyBoundTest {
  @Test
  void equalsTheBestOfAllChoices() {
    for (int seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      int[] accesses = new int[3 + random.nextInt(12)];
      int pages = 2 + random.nextInt(5);
      Arrays.setAll(accesses, i -> random.nextInt(pages));
      BeladyBound bound = BeladyBound.of(accesses);
      long previous = 0;
      for (int capacity = 0; capacity <= pages; capacity++) {
        long hits = bound.hits(capacity);
        assertThat(hits)
            .as("seed %d capacity %d %s", seed, capacity, Arrays.toString(accesses))
            .isEqualTo(best(accesses, 0, 0, capacity, new HashMap<>()))
            .isGreaterThanOrEqualTo(previous);
        previous = hits;
      }
    }
  }

  /** A prompt that is two whole pages is found by its extension, but never finds its last page. */
  @Test
  void lastTokensAreComputedAndFoundByOthers() {
    RequestSet requests =
        RequestSet.builder()
            .add(new int[] {1, 2, 3, 4}, 1)
            .add(new int[] {1, 2, 3, 4, 5}, 1)
            .add(new int[] {1, 2, 3, 4}, 1)
            .build();
    PrefixTree tree = PrefixTree.build(requests);
    PlannedOrder order = PlannedOrder.oneSided("given", new int[] {0, 1, 2}, List.of());
    assertThat(BeladyBound.of(requests, order, 2).hits(8)).isEqualTo(3);
    assertThat(tree.reusableTokens(2)).isEqualTo(2 * 3);
  }

  /** Most hits from access {@code at} on with the pages of a bit set cached, by trying all. */
  private static long best(
      int[] accesses, int at, int cached, int capacity, Map<Integer, Long> known) {
    if (at == accesses.length) {
      return 0;
    }
    Long before = known.get(at << 8 | cached);
    if (before != null) {
      return before;
    }
    int page = 1 << accesses[at];
    long best;
    if ((cached & page) != 0) {
      best = 1 + best(accesses, at + 1, cached, capacity, known);
    } else {
      best = best(accesses, at + 1, cached, capacity, known);
      if (Integer.bitCount(cached) < capacity) {
        best = Math.max(best, best(accesses, at + 1, cached | page, capacity, known));
      } else {
        for (int rest = cached; rest != 0; rest &= rest - 1) {
          int without = cached & ~Integer.lowestOneBit(rest);
          best = Math.max(best, best(accesses, at + 1, without | page, capacity, known));
        }
      }
    }
    known.put(at << 8 | cached, best);
    return best;
  }
}
