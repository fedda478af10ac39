package dev.weft.batching.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.request.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DualScanTest {
  private static final CostModel COST =
      new CostModel(
          new ModelShape(1_000_000_000L, 16, 2048, 2048, 2, 1),
          new DeviceProfile("test", 2.5e14, 1.7e12, 1, "assumed"));

  private final PrefixCache cache = new PrefixCache(new PagePool(4_000, 16));
  private final StepScheduler scheduler = new StepScheduler(new StepLimits(2_048, 512), cache);
  private final Random random = new Random(3);
  private int token;

  private Sequence sequence(Side side, int prompt, int estimated, int truth) {
    int[] tokens = random.ints(prompt, 0, 1_000_000).toArray();
    return new Sequence(tokens, 4_000, estimated, side, truth);
  }

  private Step step() {
    Step step = scheduler.next();
    for (int i = 0; i < step.sequences(); i++) {
      if (step.logits(i)) {
        Sequence sequence = step.sequence(i);
        scheduler.append(sequence, --token);
        if (sequence.generatedTokens() == (int) sequence.handle()) {
          scheduler.finish(sequence);
        }
      }
    }
    return step;
  }

  @Test
  void theSidesShareTheStepsSoThatBothLastToTheEnd() {
    List<Sequence> planned = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      planned.add(sequence(Side.COMPUTE, 1_000, 2, 2));
    }
    for (int i = 0; i < 100; i++) {
      planned.add(sequence(Side.MEMORY, 50, 1_000, 500 + random.nextInt(1_000)));
    }
    RequestQueue queue = RequestQueue.dualScan("blend", planned, COST);
    scheduler.submit(queue);
    double compute = 0;
    double hidden = 0;
    while (!scheduler.isIdle()) {
      Step step = step();
      double c = COST.stepComputeSeconds(step.tokens(), step.logitTokens(), step.prefillPairs());
      compute += c;
      hidden += Math.min(c, COST.stepMemorySeconds(step.kvTokensRead()));
    }
    assertThat(queue.open()).isZero();
    assertThat(hidden / compute)
        .as("part of the compute that runs behind memory traffic")
        .isGreaterThan(0.9);
  }

  @Test
  void smallRequestsOfTheComputeSideDoNotKeepTheMemorySideOut() {
    List<Sequence> planned = new ArrayList<>();
    for (int i = 0; i < 4_000; i++) {
      planned.add(sequence(Side.COMPUTE, 400, 100, 50 + random.nextInt(100)));
    }
    for (int i = 0; i < 60; i++) {
      planned.add(sequence(Side.MEMORY, 8_000, 600, 400 + random.nextInt(400)));
    }
    RequestQueue queue = RequestQueue.dualScan("starve", planned, COST);
    scheduler.submit(queue);
    while (scheduler.statistics().finished() < 2_000) {
      step();
    }
    long started =
        planned.stream()
            .filter(s -> s.promptTokens() == 8_000 && s.state() != Sequence.State.WAITING)
            .count();
    assertThat(started).as("long requests started when half of all are done").isGreaterThan(26);
    while (!scheduler.isIdle()) {
      step();
    }
    assertThat(queue.open()).isZero();
  }

  @Test
  void aRequestThatWritesMoreThanEstimatedMovesToTheMemorySide() {
    Sequence longer = sequence(Side.COMPUTE, 500, 2, 2_000);
    List<Sequence> planned = new ArrayList<>(List.of(longer));
    for (int i = 0; i < 20; i++) {
      planned.add(sequence(Side.COMPUTE, 500, 2, 2));
      planned.add(sequence(Side.MEMORY, 50, 1_000, 1_000));
    }
    scheduler.submit(RequestQueue.dualScan("moves", planned, COST));
    while (longer.state() != Sequence.State.ENDED) {
      step();
    }
    assertThat(longer.side()).isEqualTo(Side.MEMORY);
    assertThat(scheduler.statistics().sideMoves()).isEqualTo(1);
  }

  @Test
  void outputsShorterThanEstimatedLetMoreRunTogether() {
    List<Sequence> planned = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      planned.add(sequence(Side.COMPUTE, 40, 4_000, 20 + random.nextInt(20)));
    }
    scheduler.submit(RequestQueue.inOrder("short", planned));
    step();
    assertThat(scheduler.running()).as("as estimated, 16 would fill the pool").isLessThan(17);
    while (!scheduler.isIdle()) {
      step();
    }
    assertThat(scheduler.statistics().peakSequences()).isGreaterThan(64);
    assertThat(scheduler.statistics().finished()).isEqualTo(600);
  }

  @Test
  void queuesMayBeSubmittedFromOtherThreads() throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      List<Sequence> planned = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        planned.add(sequence(Side.COMPUTE, 100, 10, 10));
      }
      threads.add(
          Thread.ofPlatform()
              .start(() -> scheduler.submit(RequestQueue.inOrder("thread", planned))));
    }
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (scheduler.statistics().finished() < 200 && System.nanoTime() < deadline) {
      step();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(scheduler.statistics().finished()).isEqualTo(200);
    assertThat(scheduler.isIdle()).isTrue();
  }
}
