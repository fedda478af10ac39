package dev.weft.batching.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LongestFirstTest {
  private static final int KINDS = 12;
  private static final int EACH = 25;

  /** Tasks with a long prefix each; answers of widely different, known lengths. */
  private static SchedulerStatistics run(long seed, boolean dual, boolean followed) {
    Random random = new Random(seed);
    List<Sequence> planned = new ArrayList<>();
    for (int i = 0; i < KINDS * EACH; i++) {
      int[] prompt = new int[80];
      for (int t = 0; t < prompt.length; t++) {
        prompt[t] = t < 64 ? i / EACH : random.nextInt(1_000);
      }
      int output = random.nextInt(10) == 0 ? 400 + random.nextInt(400) : 1 + random.nextInt(40);
      Side side = dual && output > 40 ? Side.MEMORY : Side.COMPUTE;
      planned.add(new Sequence(prompt, output, output, side, output));
    }
    RequestQueue queue =
        dual
            ? RequestQueue.dualScan("dual", planned, RandomRequests.cost(1, 2e12))
            : RequestQueue.inOrder("one", planned);
    if (followed) {
      queue.followed();
    }
    PrefixCache cache = new PrefixCache(new PagePool(400, 16));
    StepScheduler scheduler = new StepScheduler(new StepLimits(256, 32), cache);
    scheduler.submit(queue);
    while (!scheduler.isIdle()) {
      Step step = scheduler.next();
      for (int i = 0; i < step.sequences(); i++) {
        if (step.logits(i)) {
          Sequence sequence = step.sequence(i);
          scheduler.append(sequence, -1 - i);
          if (sequence.generatedTokens() == (int) sequence.handle()) {
            scheduler.finish(sequence);
          }
        }
      }
    }
    assertThat(scheduler.statistics().finished()).isEqualTo(planned.size());
    return scheduler.statistics();
  }

  @Test
  void theLongestOutputsStartEarlyEnoughForTheLastStepsToBeFull() {
    for (boolean dual : new boolean[] {false, true}) {
      long before = 0;
      long after = 0;
      for (long seed = 1; seed <= 12; seed++) {
        SchedulerStatistics planned = run(seed, dual, true);
        SchedulerStatistics tail = run(seed, dual, false);
        System.out.printf(
            "seed %d, two sides %s: %d steps in planned order, %d with the longest first; shared"
                + " tokens %d and %d%n",
            seed, dual, planned.steps(), tail.steps(), planned.sharedTokens(), tail.sharedTokens());
        before += planned.steps();
        after += tail.steps();
        assertThat(tail.sharedTokens())
            .as("seed %d", seed)
            .isGreaterThanOrEqualTo((long) (0.98 * planned.sharedTokens()));
      }
      assertThat(after).as("steps, two sides %s", dual).isLessThan(before * 99 / 100);
    }
  }

  @Test
  void equalOutputsKeepThePlannedOrder() {
    List<Sequence> planned = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      planned.add(new Sequence(new int[] {i, 1, 2}, 9, 9, Side.COMPUTE, i));
    }
    LongestFirst longest = new LongestFirst(planned.toArray(Sequence[]::new));
    for (Sequence sequence : planned) {
      assertThat(longest.head()).isSameAs(sequence);
      sequence.queued = false;
    }
    assertThat(longest.head()).isNull();
  }
}
