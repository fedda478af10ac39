package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.benchmarks.process.ProcessState;
import dev.weft.benchmarks.process.Trend;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineBatch;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.engine.EngineTotals;
import dev.weft.kernels.engine.ResultSchema;
import dev.weft.kernels.engine.ResultStream;
import dev.weft.kernels.engine.TokenRequests;
import dev.weft.kernels.engine.TokenRequests.Fixed;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * {@code soak.*}: one engine with the shipped model under a KV budget so tight that sequences are
 * put off, rounds of the same requests of mixed lengths in another order each time, for half an
 * hour. Every round has to give the answers of the first, as fast, and leave nothing behind.
 */
final class SoakSection {
  private static final String NAME = "soak";
  private static final int REQUESTS = 240;
  private static final int SHARED = 48;

  /** About five of the longest requests. */
  private static final int KV_TOKENS = 2048;

  private static final int FULL_MINUTES = 30;

  /** Rounds in which code is compiled and caches fill; nothing is judged by them. */
  private static final double WARM_UP_SHARE = 0.2;

  private SoakSection() {}

  /** What one round was like. */
  private record Round(double tokensPerSecond, ProcessState state) {}

  static void run(Results results, Setting setting) throws IOException, InterruptedException {
    if (!results.wants(NAME)) {
      return;
    }
    Path file =
        Path.of(System.getenv().getOrDefault("WEFT_HOME", "."), "datasets/demo/weft-demo.gguf");
    double minutes = setting.smoke() ? 0.05 : setting.quick() ? 2 : FULL_MINUTES;
    long end = System.nanoTime() + (long) (minutes * 60e9);
    List<Fixed> requests = requests(setting.seed());
    List<Round> rounds = new ArrayList<>();
    int changed = 0;
    EngineTotals totals;
    long pageBytes;
    try (Engine probe = engine(file, setting, 1 << 24)) {
      pageBytes = probe.info().kvBytes() / probe.info().kvPages();
    }
    try (Engine engine = engine(file, setting, pageBytes * KV_TOKENS / 16)) {
      Map<Integer, String> first = null;
      while (rounds.size() < 3 || System.nanoTime() < end) {
        long start = System.nanoTime();
        Map<Integer, String> answers = answers(engine, requests, rounds.size());
        double seconds = Rounds.secondsSince(start);
        first = first == null ? answers : first;
        for (int r = 0; r < requests.size(); r++) {
          changed += first.get(r).equals(answers.get(r)) ? 0 : 1;
        }
        long tokens = requests.stream().mapToLong(q -> q.prompt().length + q.outputTokens()).sum();
        rounds.add(new Round(tokens / seconds, ProcessState.now()));
      }
      totals = engine.totals();
    }
    report(results, rounds, changed, totals);
  }

  /** Prompts of 1 to 300 tokens, a third of them behind a common beginning; 1 to 150 output. */
  private static List<Fixed> requests(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] shared = ForwardSteps.tokens(SHARED, seed);
    List<Fixed> requests = new ArrayList<>();
    for (int r = 0; r < REQUESTS; r++) {
      int length = random.nextInt(1, random.nextInt(10) == 0 ? 300 : 60);
      int[] own = ForwardSteps.tokens(length, random.nextLong());
      int[] prompt = r % 3 > 0 ? own : Arrays.copyOf(shared, SHARED + length);
      System.arraycopy(own, 0, prompt, prompt.length - length, length);
      requests.add(new Fixed(prompt, random.nextInt(1, random.nextInt(10) == 0 ? 150 : 40)));
    }
    return requests;
  }

  /** Answers by request, which go in in an order of the round's own. */
  private static Map<Integer, String> answers(Engine engine, List<Fixed> requests, int round)
      throws InterruptedException, IOException {
    List<Integer> order = new ArrayList<>();
    for (int r = 0; r < requests.size(); r++) {
      order.add(r);
    }
    Collections.shuffle(order, new Random(round));
    Map<Integer, String> answers = new TreeMap<>();
    try (BufferAllocator allocator = new RootAllocator();
        TokenRequests batches =
            new TokenRequests(order.stream().map(requests::get).toList(), allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
        try (EngineBatch open = batch) {
          if (open instanceof EngineBatch.Results) {
            read(open.root(), order, answers);
          }
        }
      }
    }
    if (answers.size() != requests.size()) {
      throw new IOException(
          "round %d gave %d answers to %d requests"
              .formatted(round, answers.size(), requests.size()));
    }
    return answers;
  }

  private static void read(
      VectorSchemaRoot root, List<Integer> order, Map<Integer, String> answers) {
    BigIntVector row = (BigIntVector) root.getVector(ResultSchema.ROW);
    FieldVector tokens = root.getVector(ResultSchema.TOKENS);
    FieldVector error = root.getVector(ResultSchema.ERROR_MESSAGE);
    for (int i = 0; i < root.getRowCount(); i++) {
      answers.put(order.get((int) row.get(i)), tokens.getObject(i) + " " + error.getObject(i));
    }
  }

  private static void report(
      Results results, List<Round> rounds, int changed, EngineTotals totals) {
    List<Round> judged = rounds.subList((int) (rounds.size() * WARM_UP_SHARE), rounds.size());
    String workload =
        "%d rounds of %d requests, KV of %d tokens, %d preemptions, %d tokens computed again"
            .formatted(
                rounds.size(),
                REQUESTS,
                KV_TOKENS,
                totals.preemptions(),
                totals.recomputedTokens());
    results.add(
        Line.alone(
            NAME + ".changed", Series.of(changed), "answers unlike those of round 1", workload));
    int quarter = Math.max(1, judged.size() / 4);
    results.add(
        Line.against(
            NAME + ".speed",
            speeds(judged.subList(judged.size() - quarter, judged.size())),
            "tokens per second",
            "first quarter after the warm-up",
            speeds(judged.subList(0, quarter)),
            1,
            workload));
    growth(results, "heap", "MiB", judged, ProcessState::heapMib, workload);
    growth(results, "resident", "MiB", judged, ProcessState::residentMib, workload);
    growth(results, "threads", "threads", judged, ProcessState::threads, workload);
    growth(results, "files", "open files", judged, ProcessState::openFiles, workload);
  }

  private static Series speeds(List<Round> rounds) {
    return new Series(rounds.stream().mapToDouble(Round::tokensPerSecond).toArray());
  }

  private static void growth(
      Results results,
      String name,
      String unit,
      List<Round> rounds,
      ToDoubleFunction<ProcessState> gauge,
      String workload) {
    double[] values = rounds.stream().map(Round::state).mapToDouble(gauge).toArray();
    results.add(
        Line.alone(
                NAME + "." + name + ".growth",
                Series.of(Trend.slope(values) * values.length),
                unit + " over all rounds after the warm-up (median slope)",
                workload)
            .with(Map.of("median", Trend.median(values))));
  }

  private static Engine engine(Path file, Setting setting, long kvBytes) {
    return Engine.open(
        EngineConfig.builder(file).threads(setting.threads()).kvBudgetBytes(kvBytes).build());
  }
}
