package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.PiecewiseLinear;
import dev.weft.batching.cost.PiecewiseLinear.Point;
import dev.weft.batching.cost.StepCurve;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.simulate.Simulator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is simulated is what runs: for the same requests, order, limits and KV memory, simulator and
 * engine compose the same steps, one by one.
 */
class SimulatedStepsTest {
  private static final int ROUNDS = 16;
  private static final int LOGITS = 1 << 8;
  private static final long PAIRS = 1 << 16;
  private static final long KV = 1L << 34;

  /**
   * Its predicted time of a step is its composition as one whole number; the rates mean nothing and
   * make the scheduler mix the two sides.
   */
  private static final CostModel CODED =
      new CostModel(
              new ModelShape(20_000, 2, 32, 16, 4, 4),
              new DeviceProfile("test", 1e9, 1e8, 0.5, "test"))
          .withCurve(new StepCurve(line(1), line(LOGITS), PAIRS, KV));

  @TempDir static Path folder;
  private static Path model;
  private static long pageBytes;

  @BeforeAll
  static void writeModel() throws Exception {
    model = TinyModel.write(folder);
    try (Engine engine = Engine.open(EngineConfig.builder(model).kvBudgetBytes(1 << 20).build())) {
      pageBytes = engine.info().kvBytes() / engine.info().kvPages();
    }
  }

  private static PiecewiseLinear line(double slope) {
    return new PiecewiseLinear(List.of(new Point(0, 0), new Point(1 << 20, slope * (1 << 20))));
  }

  @Test
  void simulatorAndEngineComposeTheSameSteps() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("SimulatedStepsTest seed " + seed);
    var random = new Random(seed);
    long shared = 0;
    for (int round = 0; round < ROUNDS; round++) {
      var limits = new StepLimits(1 + random.nextInt(200), 1 + random.nextInt(32));
      // The longest request takes (120 + 40) / 16 pages and one to spare.
      int pages = 12 + random.nextInt(round % 2 == 0 ? 12 : 200);
      boolean twoSided = random.nextBoolean();
      List<TestRequest> requests = requests(random, 50, twoSided);
      String run = "seed %d round %d, %s, %d pages".formatted(seed, round, limits, pages);
      shared += same(run, limits, pages, requests, 1 + random.nextInt(70)).sharedTokens();
    }
    assertThat(shared).as("seed %d: shared tokens", seed).isPositive();
  }

  @Test
  void soTheyDoWhenSequencesAreTakenBack() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("SimulatedStepsTest seed " + seed);
    var random = new Random(seed);
    for (int round = 0; round < ROUNDS / 4; round++) {
      // All eight seem to fit: a page or two each by the estimates, of 18 in all; but they end
      // with five to six.
      var limits = new StepLimits(16 + random.nextInt(100), 8);
      List<TestRequest> requests = new ArrayList<>();
      for (int row = 0; row < 24; row++) {
        int[] prompt = random.ints(4 + random.nextInt(12), 3, TinyModel.VOCABULARY).toArray();
        requests.add(
            TestRequest.greedy(row, prompt)
                .maxTokens(70 + random.nextInt(10))
                .estimated(1)
                .side(round % 2 == 0 ? 0 : random.nextInt(2))
                .ignoreEos(true));
      }
      String run = "seed %d round %d, %s".formatted(seed, round, limits);
      EngineTotals totals = same(run, limits, 18, requests, 24);
      assertThat(totals.preemptions()).as(run).isPositive();
    }
  }

  /** Requires the same steps of both; what the engine says it did. */
  private static EngineTotals same(
      String run, StepLimits limits, int pages, List<TestRequest> requests, int batchRows)
      throws Exception {
    List<Long> simulated = new ArrayList<>();
    new Simulator(CODED, limits, pages, 16)
        .run(
            requestSet(requests),
            order(requests),
            0,
            requests.size(),
            requests.stream().mapToInt(TestRequest::maxTokens).toArray(),
            (seconds, compute, memory, kv) -> simulated.add((long) seconds));
    EngineConfig.Builder config =
        EngineConfig.builder(model)
            .backend("scalar")
            .threads(1)
            .budgetTokens(limits.budgetTokens())
            .maxSequences(limits.maxSequences())
            .stepMetricsEvery(1)
            .costModel(CODED);
    try (Engine engine = Engine.open(config.kvBudgetBytes(pages * pageBytes).build())) {
      var real = EngineRuns.run(engine, requests, batchRows);
      assertThat(real.results()).as(run).allMatch(r -> r.errorCode().equals("null"));
      assertThat(engine.info().kvPages()).isEqualTo(pages);
      assertThat(real.steps().stream().map(SimulatedStepsTest::coded).toList())
          .as(run)
          .isEqualTo(simulated);
      assertThat(real.steps())
          .as(run)
          .allMatch(
              s -> (long) Double.parseDouble(text(s, StepSchema.PREDICTED_SECONDS)) == coded(s));
      return engine.totals();
    }
  }

  private static long coded(Map<String, Object> step) {
    return number(step, StepSchema.PREFILL_TOKENS)
        + number(step, StepSchema.DECODE_TOKENS)
        + LOGITS * number(step, StepSchema.LOGIT_TOKENS)
        + PAIRS * number(step, StepSchema.PREFILL_PAIRS)
        + KV * number(step, StepSchema.KV_TOKENS_READ);
  }

  private static long number(Map<String, Object> step, String column) {
    return Long.parseLong(text(step, column));
  }

  private static String text(Map<String, Object> step, String column) {
    return (String) step.get(column);
  }

  /**
   * Shared prefixes, outputs of a fixed length, estimates that are too low as often as too high.
   */
  private static List<TestRequest> requests(Random random, int count, boolean twoSided) {
    int[][] prefixes = new int[5][];
    for (int i = 0; i < prefixes.length; i++) {
      prefixes[i] = random.ints(random.nextInt(80), 3, TinyModel.VOCABULARY).toArray();
    }
    var requests = new ArrayList<TestRequest>();
    for (int row = 0; row < count; row++) {
      int[] prefix = prefixes[random.nextInt(prefixes.length)];
      int[] own = random.ints(4 + random.nextInt(36), 3, TinyModel.VOCABULARY).toArray();
      int[] prompt = new int[prefix.length + own.length];
      System.arraycopy(prefix, 0, prompt, 0, prefix.length);
      System.arraycopy(own, 0, prompt, prefix.length, own.length);
      requests.add(
          TestRequest.greedy(row, prompt)
              .maxTokens(1 + random.nextInt(40))
              .estimated(1 + random.nextInt(40))
              .side(twoSided ? random.nextInt(2) : 0)
              .ignoreEos(true));
    }
    return requests;
  }

  private static RequestSet requestSet(List<TestRequest> requests) {
    RequestSet.Builder builder = RequestSet.builder();
    requests.forEach(r -> builder.add(r.tokens(), r.estimated(), r.maxTokens()));
    return builder.build();
  }

  private static PlannedOrder order(List<TestRequest> requests) {
    int[] order = new int[requests.size()];
    BitSet memory = new BitSet();
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
      memory.set(i, requests.get(i).side() == Side.MEMORY.ordinal());
    }
    return new PlannedOrder("test", order, memory, List.of());
  }
}
