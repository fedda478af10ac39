package dev.weft.batching.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Eviction by the plan against the optimum of Belady's MIN, which knows the whole future too. */
class PlannedEvictionTest {
  private static final int PAGE = 4;

  @Test
  void oneRequestAtATimeHitsAsOftenAsTheOptimum() {
    for (int round = 0; round < 60; round++) {
      long seed = 4_100 + round;
      Random random = new Random(seed);
      int[] uses = new int[20 + random.nextInt(200)];
      int contents = 2 + random.nextInt(20);
      for (int i = 0; i < uses.length; i++) {
        uses[i] = random.nextInt(contents);
      }
      int pages = 3 + random.nextInt(10);
      // One page holds the last token of the running request, which is never shared.
      assertThat(run(uses, pages)).as("seed " + seed).isEqualTo(optimum(uses, pages - 1));
    }
  }

  @Test
  void requestsThatEndBeforeTheirTurnDoNotKeepPages() {
    PrefixCache cache = new PrefixCache(new PagePool(4, PAGE));
    StepScheduler scheduler = new StepScheduler(new StepLimits(64, 1), cache);
    List<Sequence> sequences = sequences(new int[] {1, 2, 3, 1, 2, 3, 1});
    scheduler.submit(RequestQueue.inOrder("test", sequences));
    scheduler.next();
    // Of page 1 only the last use is left, so page 2 must stay when room is needed.
    scheduler.abort(sequences.get(3));
    finish(scheduler, sequences.get(0));
    while (!scheduler.isIdle()) {
      Step step = scheduler.next();
      finish(scheduler, step.sequence(0));
    }
    assertThat(cache.hits()).isEqualTo(optimum(new int[] {1, 2, 3, 2, 3, 1}, 3));
  }

  private static long run(int[] uses, int pages) {
    PrefixCache cache = new PrefixCache(new PagePool(pages, PAGE));
    StepScheduler scheduler = new StepScheduler(new StepLimits(64, 1), cache);
    scheduler.submit(RequestQueue.inOrder("test", sequences(uses)));
    while (!scheduler.isIdle()) {
      Step step = scheduler.next();
      finish(scheduler, step.sequence(0));
    }
    return cache.hits();
  }

  private static void finish(StepScheduler scheduler, Sequence sequence) {
    scheduler.append(sequence, -1);
    scheduler.finish(sequence);
  }

  /** Prompts of one full page by content, and one token more. */
  private static List<Sequence> sequences(int[] uses) {
    List<Sequence> sequences = new ArrayList<>();
    for (int content : uses) {
      int[] prompt = {content, content, content, content, 99};
      sequences.add(new Sequence(prompt, 1, 1, Side.COMPUTE, null));
    }
    return sequences;
  }

  /** Hits of a cache that evicts the content whose next use is farthest. */
  private static long optimum(int[] uses, int capacity) {
    List<Integer> cached = new ArrayList<>();
    long hits = 0;
    for (int i = 0; i < uses.length; i++) {
      if (cached.contains(uses[i])) {
        hits++;
        continue;
      }
      if (cached.size() == capacity) {
        int now = i;
        cached.sort((a, b) -> nextUse(uses, b, now) - nextUse(uses, a, now));
        cached.removeFirst();
      }
      cached.add(uses[i]);
    }
    return hits;
  }

  private static int nextUse(int[] uses, int content, int after) {
    for (int i = after + 1; i < uses.length; i++) {
      if (uses[i] == content) {
        return i;
      }
    }
    return Integer.MAX_VALUE;
  }
}
