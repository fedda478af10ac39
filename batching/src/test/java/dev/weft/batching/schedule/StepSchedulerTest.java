package dev.weft.batching.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class StepSchedulerTest {
  private static final CostModel COST = RandomRequests.cost(0.8);

  static Iterable<SchedulingPolicy> policies() {
    return SchedulingPolicies.all();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void everyRequestEndsOnceWithinBudgetsHoweverSmallThePool(SchedulingPolicy policy) {
    for (int round = 0; round < 60; round++) {
      long seed = 1_000 + round;
      Random random = new Random(seed);
      String label = policy.name() + " seed " + seed;
      RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(80));
      int pageTokens = 1 + random.nextInt(20);
      int pages = 2 + random.nextInt(60);
      StepLimits limits = new StepLimits(1 + random.nextInt(200), 1 + random.nextInt(30));
      PrefixCache cache = new PrefixCache(new PagePool(pages, pageTokens));
      Driver driver = new Driver(label, new StepScheduler(limits, cache), random);
      int queues = 1 + random.nextInt(3);
      List<Sequence> all = driver.submit(requests, policy, queues, COST);
      driver.run();
      assertThat(driver.ended).as(label).hasSize(all.size());
      assertThat(cache.pool().usedPages()).as(label).isZero();
      for (Sequence sequence : all) {
        assertThat(sequence.state()).as(label).isEqualTo(Sequence.State.ENDED);
        if (!driver.rejected.contains(sequence)) {
          int wanted = (int) sequence.handle();
          assertThat(sequence.generatedTokens()).as(label).isEqualTo(wanted);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void noSharedPageIsComputedTwice(SchedulingPolicy policy) {
    for (int round = 0; round < 60; round++) {
      long seed = 2_000 + round;
      Random random = new Random(seed);
      String label = policy.name() + " seed " + seed;
      RequestSet requests = RandomRequests.branching(random, 1 + random.nextInt(100));
      int pageTokens = random.nextBoolean() ? 16 : 1 + random.nextInt(30);
      PrefixCache cache = new PrefixCache(new PagePool(80_000, pageTokens));
      StepLimits limits = new StepLimits(1 + random.nextInt(300), 1 + random.nextInt(40));
      Driver driver = new Driver(label, new StepScheduler(limits, cache), random);
      driver.submit(requests, policy, 1 + random.nextInt(3), COST);
      driver.run();
      PrefixTree tree = PrefixTree.build(requests);
      SchedulerStatistics statistics = driver.scheduler.statistics();
      assertThat(statistics.preemptions()).as(label).isZero();
      assertThat(statistics.prefillTokens())
          .as(label)
          .isEqualTo(tree.promptTokens() - tree.reusableTokens(pageTokens));
      assertThat(statistics.sharedTokens()).as(label).isEqualTo(tree.reusableTokens(pageTokens));
    }
  }

  @Test
  void inPrefixOrderSharingIsExactEvenForPromptsThatArePrefixesOfOthers() {
    for (int round = 0; round < 60; round++) {
      long seed = 3_000 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(100));
      int pageTokens = 1 + random.nextInt(16);
      PrefixCache cache = new PrefixCache(new PagePool(80_000, pageTokens));
      StepLimits limits = new StepLimits(1 + random.nextInt(300), 1 + random.nextInt(40));
      Driver driver = new Driver("seed " + seed, new StepScheduler(limits, cache), random);
      driver.followed = true;
      driver.submit(requests, SchedulingPolicies.named("dfs"), 1, COST);
      driver.run();
      PrefixTree tree = PrefixTree.build(requests);
      assertThat(driver.scheduler.statistics().prefillTokens())
          .as("seed " + seed)
          .isEqualTo(tree.promptTokens() - tree.reusableTokens(pageTokens));
    }
  }

  @Test
  void withoutSharingEveryPromptTokenIsComputed() {
    Random random = new Random(4);
    RequestSet requests = RandomRequests.nested(random, 50);
    PrefixCache cache = PrefixCache.withoutSharing(new PagePool(10_000, 16));
    Driver driver = new Driver("", new StepScheduler(new StepLimits(64, 8), cache), random);
    driver.submit(requests, SchedulingPolicies.named("dfs"), 1, COST);
    driver.run();
    assertThat(driver.scheduler.statistics().prefillTokens())
        .isEqualTo(PrefixTree.build(requests).promptTokens());
    assertThat(cache.pool().freePages()).isEqualTo(10_000);
  }

  @Test
  void requestsThatNeverFitAreRejectedWithNumbers() {
    PrefixCache cache = new PrefixCache(new PagePool(4, 16));
    StepScheduler scheduler = new StepScheduler(new StepLimits(64, 4), cache);
    Sequence tooLong = new Sequence(new int[49], 5, 5, Side.COMPUTE, 5);
    Sequence grows = new Sequence(new int[48], 100, 10, Side.COMPUTE, 100);
    Sequence fits = new Sequence(new int[] {7, 8}, 3, 3, Side.COMPUTE, 3);
    scheduler.submit(RequestQueue.inOrder("q", List.of(tooLong, grows, fits)));
    Driver driver = new Driver("", scheduler, new Random(1));
    driver.all.addAll(List.of(tooLong, grows, fits));
    driver.run();
    assertThat(driver.rejected).containsExactlyInAnyOrder(tooLong, grows);
    assertThat(driver.messages.get(0)).contains("49 tokens", "5 KV pages", "has 4");
    assertThat(driver.messages.get(1)).contains("grew to 65 tokens", "5 KV pages", "has 4");
    assertThat(fits.generatedTokens()).isEqualTo(3);
  }

  @Test
  void aSequenceWithLogitsMustBeAnswered() {
    PrefixCache cache = new PrefixCache(new PagePool(4, 16));
    StepScheduler scheduler = new StepScheduler(new StepLimits(64, 4), cache);
    Sequence sequence = new Sequence(new int[] {1, 2}, 3, 3, Side.COMPUTE, 3);
    scheduler.submit(RequestQueue.inOrder("answers", List.of(sequence)));
    assertThat(scheduler.next().logits(0)).isTrue();
    assertThatThrownBy(scheduler::next)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("answers");
    scheduler.finish(sequence);
    assertThat(scheduler.isIdle()).isTrue();
    assertThat(scheduler.next().sequences()).isZero();
    assertThatThrownBy(() -> scheduler.append(sequence, 1)).hasMessageContaining("ENDED");
  }

  @Test
  void aCancelledQueueLeavesNothingBehind() {
    for (int round = 0; round < 40; round++) {
      long seed = 5_000 + round;
      Random random = new Random(seed);
      PrefixCache cache = new PrefixCache(new PagePool(40, 8));
      StepScheduler scheduler = new StepScheduler(new StepLimits(40, 10), cache);
      Driver driver = new Driver("seed " + seed, scheduler, random);
      RequestSet requests = RandomRequests.nested(random, 60);
      List<Sequence> all = driver.submit(requests, SchedulingPolicies.named("blend"), 2, COST);
      RequestQueue victim = all.get(0).queue();
      driver.cancelAfter = random.nextInt(20);
      driver.victim = victim;
      driver.run();
      assertThat(victim.open()).isZero();
      assertThat(cache.pool().usedPages()).as("seed " + seed).isZero();
      assertThat(all).allMatch(s -> s.state() == Sequence.State.ENDED);
    }
  }

  @Test
  void identicalRequestsShareAllPagesButTheLast() {
    int[] prompt = new int[64];
    List<Sequence> same = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      same.add(new Sequence(prompt, 2, 2, Side.COMPUTE, 2));
    }
    PrefixCache cache = new PrefixCache(new PagePool(100, 16));
    StepScheduler scheduler = new StepScheduler(new StepLimits(1000, 10), cache);
    scheduler.submit(RequestQueue.inOrder("n", same));
    Step step = scheduler.next();
    assertThat(step.sequences()).isEqualTo(4);
    assertThat(step.prefillTokens()).isEqualTo(64 + 3 * 16);
    assertThat(step.sharedTokens()).isEqualTo(3 * 48);
    assertThat(step.from(1)).isEqualTo(48);
    assertThat(same.get(3).pageTable()[2]).isEqualTo(same.get(0).pageTable()[2]);
    assertThat(same.get(3).pageTable()[3]).isNotEqualTo(same.get(0).pageTable()[3]);
  }

  /** Runs the scheduler as an engine does and checks every step. */
  static final class Driver {
    final String label;
    final StepScheduler scheduler;
    final Random random;
    final List<Sequence> all = new ArrayList<>();
    final Set<Sequence> ended = new HashSet<>();
    final Set<Sequence> rejected = new HashSet<>();
    final List<String> messages = new ArrayList<>();
    int cancelAfter = -1;

    /** What each KV slot holds: a hash of all tokens up to its own. */
    long[] kv = new long[0];

    RequestQueue victim;

    /** Keeps the planned order to the end. */
    boolean followed;

    Driver(String label, StepScheduler scheduler, Random random) {
      this.label = label;
      this.scheduler = scheduler;
      this.random = random;
    }

    /** Submits the planned order cut into pieces; the handle is the true output length. */
    List<Sequence> submit(
        RequestSet requests, SchedulingPolicy policy, int pieces, CostModel cost) {
      PlannedOrder order = policy.order(PrefixTree.build(requests), cost, 1 << 20);
      for (int piece = 0; piece < pieces; piece++) {
        List<Sequence> sequences = new ArrayList<>();
        int to = order.size() * (piece + 1) / pieces;
        for (int i = order.size() * piece / pieces; i < to; i++) {
          int request = order.request(i);
          int max = Math.max(1, requests.maxOutputTokens(request));
          sequences.add(
              new Sequence(
                  requests.prompt(request),
                  max,
                  requests.estimatedOutputTokens(request),
                  order.side(i),
                  1 + random.nextInt(max)));
        }
        all.addAll(sequences);
        RequestQueue queue = RequestQueue.dualScan("piece " + piece, sequences, cost);
        scheduler.submit(followed ? queue.followed() : queue);
      }
      return all;
    }

    void run() {
      int steps = 0;
      while (!scheduler.isIdle()) {
        if (steps == cancelAfter) {
          scheduler.cancel(victim);
        }
        Step step = scheduler.next();
        boolean progress = step.sequences() > 0;
        for (Rejection r = scheduler.pollRejection(); r != null; r = scheduler.pollRejection()) {
          progress = true;
          rejected.add(r.sequence());
          messages.add(r.message());
          end(r.sequence());
        }
        progress |= cancelAfter == steps;
        assertThat(progress).as(label + ": an empty step without a rejection").isTrue();
        check(step);
        for (int i = 0; i < step.sequences(); i++) {
          if (step.logits(i)) {
            answer(step.sequence(i));
          }
        }
        assertThat(++steps).as(label).isLessThan(200_000);
      }
    }

    private void answer(Sequence sequence) {
      // Generated tokens differ from all prompt tokens and from each other.
      scheduler.append(sequence, -1 - random.nextInt(Integer.MAX_VALUE));
      if (sequence.generatedTokens() == (int) sequence.handle()) {
        scheduler.finish(sequence);
        end(sequence);
      }
    }

    private void end(Sequence sequence) {
      assertThat(ended.add(sequence)).as(label + ": ended twice").isTrue();
    }

    private void check(Step step) {
      PagePool pool = scheduler.cache().pool();
      int pageTokens = pool.pageTokens();
      assertThat(step.tokens()).as(label).isLessThanOrEqualTo(scheduler.limits().budgetTokens());
      assertThat(step.sequences()).as(label).isLessThanOrEqualTo(scheduler.limits().maxSequences());
      assertThat(pool.usedPages()).isLessThanOrEqualTo(pool.pages());
      Set<Sequence> scheduled = new HashSet<>();
      Set<Long> written = new HashSet<>();
      int tokens = 0;
      int halfPrompts = 0;
      for (int i = 0; i < step.sequences(); i++) {
        Sequence sequence = step.sequence(i);
        assertThat(scheduled.add(sequence)).as(label).isTrue();
        int end = step.from(i) + step.count(i);
        tokens += step.count(i);
        halfPrompts += step.decode(i) || step.logits(i) ? 0 : 1;
        assertThat(step.count(i)).isPositive();
        assertThat(sequence.computedTokens()).as(label).isEqualTo(end);
        assertThat(step.logits(i)).as(label).isEqualTo(end == sequence.length());
        assertThat(sequence.pages()).as(label).isGreaterThanOrEqualTo(pool.pagesFor(end));
        for (int t = step.from(i); t < end; t++) {
          long slot = (long) sequence.pageTable()[t / pageTokens] * pageTokens + t % pageTokens;
          assertThat(written.add(slot)).as(label + ": a KV slot is written twice").isTrue();
        }
      }
      assertThat(tokens).as(label).isEqualTo(step.tokens());
      assertThat(halfPrompts).as(label).isLessThanOrEqualTo(1);
      if (kv.length == 0) {
        kv = new long[pool.pages() * pageTokens];
      }
      for (int i = 0; i < step.sequences(); i++) {
        checkKv(step.sequence(i), step.from(i), step.from(i) + step.count(i), true);
      }
      for (int i = 0; i < step.sequences(); i++) {
        checkKv(step.sequence(i), 0, step.from(i) + step.count(i), false);
      }
    }

    private void checkKv(Sequence sequence, int from, int to, boolean write) {
      int pageTokens = scheduler.cache().pool().pageTokens();
      long hash = 17;
      for (int t = 0; t < to; t++) {
        hash = (hash + sequence.tokens()[t]) * 0x9E3779B97F4A7C15L;
        hash ^= hash >>> 31;
        int slot = sequence.pageTable()[t / pageTokens] * pageTokens + t % pageTokens;
        if (write && t >= from) {
          kv[slot] = hash;
        } else if (!write && kv[slot] != hash) {
          throw new AssertionError(label + ": wrong KV at token " + t + " of " + to);
        }
      }
    }
  }
}
