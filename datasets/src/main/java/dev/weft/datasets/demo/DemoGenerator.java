package dev.weft.datasets.demo;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/**
 * Draws demo requests from a seed. {@link Random} is specified bit by bit, so a seed gives the same
 * requests on every JDK and machine.
 */
public final class DemoGenerator {
  /** One request in this many is an exact copy of an earlier one, as in a real table. */
  private static final int COPY_EVERY = 50;

  private final long seed;
  private final List<DemoTask> tasks = DemoTask.all();

  public DemoGenerator(long seed) {
    this.seed = seed;
  }

  /**
   * A table of requests in mixed order of tasks. About 2% are exact copies of earlier requests
   * under an id of their own; all others differ from each other.
   *
   * @throws IllegalArgumentException if {@code count} is negative
   */
  public List<DemoRequest> requests(DemoSplit split, int count) {
    if (count < 0) {
      throw new IllegalArgumentException("count of requests is " + count + ": give 0 or more");
    }
    Random random = randomFor(split);
    Set<String> seen = new HashSet<>();
    List<DemoRequest> requests = new ArrayList<>(count);
    while (requests.size() < count) {
      String id = String.format(Locale.ROOT, "demo-%06d", requests.size());
      if (!requests.isEmpty() && random.nextInt(COPY_EVERY) == 0) {
        DemoRequest earlier = Vocabulary.pick(random, requests);
        requests.add(new DemoRequest(id, earlier.task(), earlier.example()));
        continue;
      }
      DemoTask task = drawTask(random);
      DemoExample example = drawExample(task, split, random);
      if (seen.add(task.name() + "\n" + example.user())) {
        requests.add(new DemoRequest(id, task, example));
      }
    }
    return requests;
  }

  /** An endless source of examples of one task on one side of the split; they may repeat. */
  public ExampleSource examples(DemoTask task, DemoSplit split) {
    Random random = new Random(31 * randomFor(split).nextLong() + task.name().hashCode());
    return () -> drawExample(task, split, random);
  }

  /** Gives one example after another. */
  @FunctionalInterface
  public interface ExampleSource {
    DemoExample next();
  }

  private Random randomFor(DemoSplit split) {
    return new Random(seed * DemoSplit.values().length + split.ordinal());
  }

  private DemoTask drawTask(Random random) {
    int percent = random.nextInt(100);
    for (DemoTask task : tasks) {
      percent -= task.sharePercent();
      if (percent < 0) {
        return task;
      }
    }
    throw new IllegalStateException("shares of the demo tasks add up to less than 100 percent");
  }

  private static DemoExample drawExample(DemoTask task, DemoSplit split, Random random) {
    while (true) {
      DemoExample example = task.draw(random);
      if (DemoSplit.of(task, example.user()) == split) {
        return example;
      }
    }
  }
}
