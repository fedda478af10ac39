package dev.weft.batching.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SharedReadsTest {
  private static final int PAGE = 4;

  @Test
  void readsEqualBruteForceOverThePagesOfEveryStep() {
    long saved = 0;
    for (int group : new int[] {1, 2, 3, 1_000}) {
      for (int round = 0; round < 30; round++) {
        long seed = 4_800 + round;
        saved += run(group, new Random(seed), "group " + group + " seed " + seed);
      }
    }
    assertThat(saved).isPositive();
  }

  /** Compares every step and returns the tokens saved. */
  private static long run(int group, Random random, String label) {
    RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(60));
    // Sometimes so few pages that sequences are preempted.
    PrefixCache cache = new PrefixCache(new PagePool(200 + random.nextInt(400), PAGE));
    StepScheduler scheduler = new StepScheduler(new StepLimits(128, 24), cache, group);
    List<Sequence> sequences = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      int output = requests.estimatedOutputTokens(i);
      // Underestimated, so that memory runs out now and then.
      sequences.add(new Sequence(requests.prompt(i), output, 1 + output / 4, Side.COMPUTE, output));
    }
    scheduler.submit(RequestQueue.inOrder("test", sequences));
    long saved = 0;
    int token = 0;
    while (!scheduler.isIdle()) {
      Step step = scheduler.next();
      while (scheduler.pollRejection() != null) {}
      long alone = 0;
      long together = 0;
      Map<Integer, Integer> readers = new HashMap<>();
      for (int i = 0; i < step.sequences(); i++) {
        Sequence sequence = step.sequence(i);
        if (!step.decode(i)) {
          alone += step.from(i);
          together += step.from(i);
          continue;
        }
        int read = step.from(i) + step.count(i);
        alone += read;
        together += read % PAGE;
        for (int page = 0; page < read / PAGE; page++) {
          readers.merge(sequence.pageTable()[page], 1, Integer::sum);
        }
      }
      for (int count : readers.values()) {
        together += (long) Math.ceilDiv(count, group) * PAGE;
      }
      assertThat(step.kvTokensRead()).as(label).isEqualTo(together);
      saved += alone - together;
      for (int i = 0; i < step.sequences(); i++) {
        if (step.logits(i)) {
          Sequence sequence = step.sequence(i);
          if (sequence.generatedTokens() + 1 >= (int) sequence.handle()) {
            scheduler.finish(sequence);
          } else {
            scheduler.append(sequence, --token);
          }
        }
      }
    }
    return group == 1 ? 0 : saved;
  }
}
