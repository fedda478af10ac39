package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.plan.OutputLengths;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the driver keeps of finished requests takes as much however many are finished. */
class DoneMemoryTest {
  private static final int REQUESTS = 400_000;

  /** A bit for each request. */
  private static final long SLACK_BYTES = REQUESTS / 8;

  private final long[] keys = new long[REQUESTS];
  private final PrefixTree tree;

  DoneMemoryTest() {
    RequestSet.Builder requests = RequestSet.builder();
    for (int i = 0; i < REQUESTS; i++) {
      keys[i] = i + 1L;
      requests.add(new int[] {i % 100, i % 7, i}, 50, 50);
    }
    tree = PrefixTree.build(requests.build());
  }

  private static long usedBytes() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Reads blocks of finished requests and estimates the others. */
  private OutputLengths afterReading(int done) {
    int[] tokens = new int[REQUESTS];
    Arrays.fill(tokens, -1);
    for (int from = 0; from < done; from += 1000) {
      long[] some = new long[Math.min(1000, done - from)];
      int[] lengths = new int[some.length];
      for (int i = 0; i < some.length; i++) {
        some[i] = keys[from + i];
        lengths[i] = (from + i) % 50;
      }
      new DoneBlock(some, lengths).into(keys, tokens);
    }
    return OutputLengthEstimator.estimate(tree, tokens);
  }

  @Test
  void doesNotGrowWithTheRequestsDone() {
    List<OutputLengths> kept = new ArrayList<>();
    long[] used = new long[3];
    int[] done = {1000, 1000, REQUESTS - 1000};
    for (int i = 0; i < done.length; i++) {
      kept.add(afterReading(done[i]));
      used[i] = usedBytes();
    }
    long few = used[1] - used[0];
    long most = used[2] - used[1];
    System.out.printf("kept of 1,000 done: %,d bytes; of 399,000: %,d%n", few, most);
    for (int i = 0; i < done.length; i++) {
      assertThat(kept.get(i).samples(done[i] - 1)).isEqualTo(1);
      assertThat(kept.get(i).quantile(7, 0.5)).isEqualTo(7);
    }
    assertThat(few).as("the measurement sees what is kept").isGreaterThan(4L * REQUESTS);
    assertThat(most - few).isLessThan(SLACK_BYTES);
  }
}
