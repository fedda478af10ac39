package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.plan.OutputLengths;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
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

  /** What this thread has allocated so far; other threads of Spark come and go in this process. */
  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  /** Reads blocks of finished requests. */
  private int[] afterReading(int done) {
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
    return tokens;
  }

  @Test
  void doesNotGrowWithTheRequestsDone() {
    // Both are more than the samples that are taken of them.
    int[] done = {100_000, 100_000, REQUESTS - 1000};
    long[] bytes = new long[done.length];
    for (int i = 0; i < done.length; i++) {
      int[] tokens = afterReading(done[i]);
      long before = allocatedBytes();
      OutputLengths lengths = OutputLengthEstimator.estimate(tree, tokens);
      bytes[i] = allocatedBytes() - before;
      assertThat(lengths.samples(done[i] - 1)).isEqualTo(1);
      assertThat(lengths.quantile(7, 0.5)).isEqualTo(7);
    }
    System.out.printf(
        "allocated for 100,000 done: %,d bytes; for 399,000: %,d%n", bytes[1], bytes[2]);
    assertThat(bytes[1]).as("what is allocated is seen").isGreaterThan(4L * REQUESTS);
    assertThat(bytes[2] - bytes[1]).isLessThan(SLACK_BYTES);
  }
}
