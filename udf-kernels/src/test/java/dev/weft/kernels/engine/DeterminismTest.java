package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.kernels.kv.KvFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Order changes cost, never answers: the same requests in any order, step budget, KV memory, number
 * of threads and split over streams give the same text, tokens and log-probabilities, bit by bit.
 */
class DeterminismTest {
  private static final int REQUESTS = 40;

  /** Random schedules of the tiny model with the backend that jobs run on, and with others. */
  private static final int SCHEDULES = 100;

  private static final int FEWER_SCHEDULES = 8;

  private static final String TINY = "tiny";

  /** Rates that mean nothing: they only make the scheduler mix the two sides. */
  private static final CostModel COST =
      new CostModel(
          new ModelShape(20_000, 2, 32, 16, 4, 4),
          new DeviceProfile("test", 1e9, 1e8, 0.5, "test"));

  @TempDir static Path folder;

  static List<Arguments> cases() {
    var cases = new ArrayList<Arguments>();
    for (String backend : EngineRuns.backends()) {
      int schedules = backend.equals("vector") ? SCHEDULES : FEWER_SCHEDULES;
      cases.add(Arguments.of(backend, TINY, KvFormat.F32, schedules));
      cases.add(Arguments.of(backend, TINY, KvFormat.Q8_0, 3));
      cases.add(Arguments.of(backend, "stories260K/stories260K-f32.gguf", KvFormat.F32, 3));
      cases.add(Arguments.of(backend, "llama2xs/llama2xs-q8_0.gguf", KvFormat.F16, 2));
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void answersDoNotDependOnTheRun(String backend, String file, KvFormat kvFormat, int rounds)
      throws Exception {
    Path model = file.equals(TINY) ? TinyModel.write(folder) : EngineRuns.sharedModel(file);
    long seed = new Random().nextLong();
    System.out.println("DeterminismTest " + backend + " " + file + " seed " + seed);
    var random = new Random(seed);
    var base = EngineConfig.builder(model).backend(backend).kvFormat(kvFormat).jobSeed(seed);

    Map<String, String> alone = new TreeMap<>();
    List<TestRequest> requests;
    long pageBytes;
    try (Engine engine =
        Engine.open(base.threads(1).maxSequences(1).kvBudgetBytes(4 << 20).build())) {
      requests = requests(random, engine.info().vocabularySize());
      pageBytes = engine.info().kvBytes() / engine.info().kvPages();
      for (TestRequest request : requests) {
        collect(EngineRuns.run(engine, request), alone);
      }
    }
    assertThat(alone.size())
        .isEqualTo(requests.stream().mapToInt(TestRequest::n).sum())
        .isGreaterThan(REQUESTS);
    assertThat(alone.values()).noneMatch(a -> a.contains("error_code=ENGINE"));

    long preemptions = 0;
    long shared = 0;
    for (int round = 0; round < rounds; round++) {
      // The longest request takes (120 + 40) / 16 pages.
      int pages = round % 2 == 0 ? 11 + random.nextInt(8) : 200;
      EngineConfig config =
          base.threads(1 + random.nextInt(3))
              .budgetTokens(round == 0 ? 64 : 1 + random.nextInt(round % 3 == 0 ? 8 : 100))
              .maxSequences(round == 0 ? 24 : 1 + random.nextInt(24))
              .kvBudgetBytes(pages * pageBytes)
              .costModel(random.nextBoolean() ? COST : null)
              .lookaheadRequests(1 + random.nextInt(60))
              .resultBatchRows(1 + random.nextInt(10))
              .resultQueueRows(1 + random.nextInt(30))
              .build();
      Collections.shuffle(requests, random);
      int streams = 1 + random.nextInt(4);
      try (Engine engine = Engine.open(config)) {
        Map<String, String> together = run(engine, requests, streams, random);
        String run = "seed " + seed + " round " + round + " " + streams + " streams " + config;
        assertThat(together.keySet()).as(run).isEqualTo(alone.keySet());
        alone.forEach((key, answer) -> assertThat(together.get(key)).as(run).isEqualTo(answer));
        preemptions += engine.totals().preemptions();
        shared += engine.totals().sharedTokens();
        assertThat(((BatchingEngine) engine).usedPages()).isZero();
      }
    }
    // How many there are depends on how the streams meet; EngineTest provokes one for certain.
    System.out.println(
        "seed " + seed + ": " + preemptions + " preemptions in " + rounds + " schedules");
    assertThat(shared).as("shared tokens in all rounds").isPositive();
  }

  static List<String> backends() {
    return EngineRuns.backends();
  }

  /** With log-probabilities a step gives whole rows of logits, else a few tokens where they do. */
  @ParameterizedTest
  @MethodSource("backends")
  void logProbabilitiesChangeNoAnswer(String backend) throws Exception {
    long seed = new Random().nextLong();
    System.out.println("DeterminismTest.logProbabilities " + backend + " seed " + seed);
    var random = new Random(seed);
    try (Engine engine =
        Engine.open(EngineConfig.builder(TinyModel.write(folder)).backend(backend).build())) {
      List<TestRequest> without = new ArrayList<>();
      for (TestRequest request : requests(random, TinyModel.VOCABULARY)) {
        if (request.logprobs() == null) {
          without.add(request);
        }
      }
      Map<String, String> expected = new TreeMap<>();
      List<TestRequest> with = without.stream().map(request -> request.logprobs(2)).toList();
      for (TestResult result : EngineRuns.run(engine, with, 9).results()) {
        expected.put(result.row() + "/" + result.sample(), withoutLogprobs(result));
      }
      Map<String, String> answers = new TreeMap<>();
      for (TestResult result : EngineRuns.run(engine, without, 9).results()) {
        answers.put(result.row() + "/" + result.sample(), withoutLogprobs(result));
      }
      assertThat(answers).as("seed " + seed).hasSizeGreaterThan(10).isEqualTo(expected);
    }
  }

  private static String withoutLogprobs(TestResult result) {
    return result.text()
        + Arrays.toString(result.tokens())
        + result.finishReason()
        + result.stopReason()
        + result.integer(ResultSchema.OUTPUT_TOKENS);
  }

  private static Map<String, String> run(
      Engine engine, List<TestRequest> requests, int streams, Random random) throws Exception {
    var parts = new ArrayList<List<TestRequest>>();
    for (int i = 0; i < streams; i++) {
      parts.add(new ArrayList<>());
    }
    requests.forEach(request -> parts.get(random.nextInt(streams)).add(request));
    Map<String, String> answers = new TreeMap<>();
    try (var threads = Executors.newFixedThreadPool(streams)) {
      var runs = new ArrayList<Future<EngineRuns.Run>>();
      for (List<TestRequest> part : parts) {
        int rows = 1 + random.nextInt(20);
        runs.add(threads.submit(() -> EngineRuns.run(engine, part, rows)));
      }
      for (Future<EngineRuns.Run> run : runs) {
        collect(run.get(), answers);
      }
    }
    return answers;
  }

  private static void collect(EngineRuns.Run run, Map<String, String> answers) {
    for (TestResult result : run.results()) {
      String key = result.row() + "/" + result.sample();
      assertThat(answers.put(key, result.answer())).as("second result of " + key).isNull();
    }
  }

  private static List<TestRequest> requests(Random random, int vocabulary) {
    int[][] prefixes = new int[4][];
    for (int i = 0; i < prefixes.length; i++) {
      prefixes[i] = tokens(random, new int[] {1}, random.nextInt(80), vocabulary);
    }
    var requests = new ArrayList<TestRequest>();
    for (int row = 0; row < REQUESTS; row++) {
      int[] prompt = tokens(random, prefixes[random.nextInt(4)], random.nextInt(40), vocabulary);
      TestRequest request =
          TestRequest.greedy(row, prompt)
              .maxTokens(1 + random.nextInt(40))
              .estimated(random.nextInt(4))
              .side(random.nextInt(2))
              .ignoreEos(random.nextInt(4) == 0);
      if (random.nextInt(3) > 0) {
        request =
            request.sampled(
                0.5f + random.nextFloat(),
                random.nextBoolean() ? 1 : 0.8f,
                random.nextBoolean() ? 0 : 20,
                random.nextBoolean() ? 0 : 0.01f);
        request = random.nextBoolean() ? request.samples(1 + random.nextInt(4)) : request;
        request = random.nextBoolean() ? request.seed(random.nextInt(5)) : request;
      }
      if (random.nextInt(3) == 0) {
        request = request.penalized(1.2f, random.nextFloat(), random.nextFloat() - 0.5f);
      }
      if (random.nextInt(3) == 0) {
        request = request.logprobs(random.nextInt(5));
      }
      if (random.nextInt(4) == 0) {
        request = request.stop("a", "th", ".");
      }
      if (random.nextInt(4) == 0) {
        request = request.stopTokens(1 + random.nextInt(100), 1 + random.nextInt(100));
      }
      requests.add(request);
    }
    return requests;
  }

  private static int[] tokens(Random random, int[] prefix, int more, int vocabulary) {
    int[] tokens = Arrays.copyOf(prefix, prefix.length + more);
    for (int i = prefix.length; i < tokens.length; i++) {
      tokens[i] = 3 + random.nextInt(vocabulary - 3);
    }
    return tokens;
  }
}
