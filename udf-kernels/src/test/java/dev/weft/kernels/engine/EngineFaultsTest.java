package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of an engine, and of the requests beside, when a step fails or does not end. */
@Timeout(120)
class EngineFaultsTest {
  private static final int POISON = TinyModel.tokens("~")[1];
  private static final String SHARED = "a prefix that is longer than one page of keys and values. ";

  @TempDir static Path folder;
  private static Path model;

  @BeforeAll
  static void writeModel() throws Exception {
    model = TinyModel.write(folder);
  }

  private static EngineConfig.Builder config() {
    return EngineConfig.builder(model).backend("scalar").threads(1).kvBudgetBytes(2 << 20);
  }

  private static Engine open(EngineConfig.Builder config, IntConsumer fault) {
    return BatchingEngine.open(
        config.build(), EnergyMeters.detect(EnergyConfig.ofCpu()), new FaultyProvider(fault));
  }

  /** Requests that share prefixes; every seventh holds the poison, somewhere. */
  private static List<TestRequest> requests(long seed) {
    Random random = new Random(seed);
    List<TestRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String prompt = random.nextBoolean() ? SHARED : SHARED.substring(random.nextInt(20));
      prompt += "request " + i;
      if (i % 7 == 3) {
        int at = random.nextInt(prompt.length());
        prompt = prompt.substring(0, at) + "~" + prompt.substring(at);
      }
      // The model may generate the poison itself; a request that does is one to blame as well.
      requests.add(
          TestRequest.greedy(i, TinyModel.tokens(prompt)).maxTokens(1 + random.nextInt(20)));
    }
    return requests;
  }

  private static Map<Long, String> answers(EngineRuns.Run run) {
    Map<Long, String> answers = new HashMap<>();
    run.results().forEach(r -> assertThat(answers.put(r.row(), r.answer())).isNull());
    return answers;
  }

  private void poisonIsExpelled(RuntimeException thrown, Error error, EngineError code)
      throws Exception {
    for (long seed = 1; seed <= 4; seed++) {
      List<TestRequest> requests = requests(seed);
      Map<Long, String> undisturbed;
      try (Engine engine = Engine.open(config().build())) {
        undisturbed = answers(EngineRuns.run(engine, requests, 7));
      }
      IntConsumer fault =
          id -> {
            if (id == POISON) {
              if (error != null) {
                throw error;
              }
              throw thrown;
            }
          };
      try (Engine engine = open(config().budgetTokens(48).maxSequences(9), fault)) {
        EngineRuns.Run run = EngineRuns.run(engine, requests, 7);
        assertThat(run.results()).as("seed %d", seed).hasSize(requests.size());
        for (TestResult result : run.results()) {
          if (result.errorCode().equals("null")) {
            assertThat(result.answer())
                .as("seed %d row %d", seed, result.row())
                .isEqualTo(undisturbed.get(result.row()));
          } else {
            assertThat(result.errorCode()).isEqualTo(code.name());
            boolean poisoned = result.row() % 7 == 3;
            boolean generates = undisturbed.get(result.row()).contains(Integer.toString(POISON));
            assertThat(poisoned || generates).as("seed %d row %d", seed, result.row()).isTrue();
          }
        }
        assertThat(run.results().stream().filter(r -> !r.errorCode().equals("null")).count())
            .isGreaterThanOrEqualTo(6);
      }
    }
  }

  @Test
  void poisonBecomesAnErrorRowAndTheOthersKeepTheirBytes() throws Exception {
    poisonIsExpelled(new IllegalStateException("poison"), null, EngineError.ENGINE_FAILED);
  }

  @Test
  void aRequestThatNeedsTooMuchMemoryBecomesAnErrorRow() throws Exception {
    poisonIsExpelled(null, new OutOfMemoryError("poison"), EngineError.ENGINE_OUT_OF_MEMORY);
  }

  @Test
  void aFailureThatPassesChangesNothing() throws Exception {
    List<TestRequest> requests = requests(5);
    Map<Long, String> undisturbed;
    try (Engine engine = Engine.open(config().build())) {
      undisturbed = answers(EngineRuns.run(engine, requests, 7));
    }
    AtomicInteger calls = new AtomicInteger();
    IntConsumer fault =
        _ -> {
          if (calls.incrementAndGet() % 400 == 0) {
            throw new IllegalStateException("now and then");
          }
        };
    try (Engine engine = open(config(), fault)) {
      assertThat(answers(EngineRuns.run(engine, requests, 7))).isEqualTo(undisturbed);
    }
    assertThat(calls.get()).isGreaterThan(800);
  }

  @Test
  void nobodyIsBlamedForAnEngineThatAlwaysFails() throws Exception {
    AtomicInteger left = new AtomicInteger(300);
    IntConsumer fault =
        _ -> {
          if (left.decrementAndGet() < 0) {
            throw new IllegalStateException("the device is gone");
          }
        };
    List<TestResult> results = new ArrayList<>();
    try (Engine engine = open(config(), fault);
        BufferAllocator allocator = new RootAllocator();
        RequestBatches batches = new RequestBatches(requests(6), 7, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      EngineException e =
          catchThrowableOfType(
              EngineException.class,
              () -> {
                for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
                  try (EngineBatch open = batch) {
                    if (open instanceof EngineBatch.Results r) {
                      results.addAll(TestResult.of(r.root()));
                    }
                  }
                }
              });
      assertThat(e.kind()).isEqualTo(EngineException.Kind.FAILED);
      assertThat(e.rows()).isNotEmpty();
    }
    assertThat(results).allSatisfy(r -> assertThat(r.errorCode()).isEqualTo("null"));
  }

  @Test
  void aStepThatDoesNotEndIsNoticed() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    IntConsumer fault =
        id -> {
          if (id == POISON) {
            try {
              release.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    List<TestRequest> requests =
        List.of(
            TestRequest.greedy(1, TinyModel.tokens("harmless")),
            TestRequest.greedy(2, TinyModel.tokens("hangs~")));
    try (Engine engine = open(config().stepTimeoutSeconds(1), fault)) {
      EngineException e =
          catchThrowableOfType(EngineException.class, () -> EngineRuns.run(engine, requests, 7));
      assertThat(e.kind()).isEqualTo(EngineException.Kind.HUNG);
      assertThat(e.rows()).contains(2);
      EngineException refused =
          catchThrowableOfType(EngineException.class, () -> EngineRuns.run(engine, requests, 7));
      assertThat(refused.kind()).isEqualTo(EngineException.Kind.HUNG);
    } finally {
      // Closing has not waited for what does not end.
      release.countDown();
    }
  }

  @Test
  void drainingFinishesWhatRunsAndHandsBackTheRest() throws Exception {
    List<TestRequest> requests = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      requests.add(TestRequest.greedy(i, TinyModel.tokens("request " + i)));
    }
    Map<Long, String> undisturbed;
    try (Engine engine = Engine.open(config().build())) {
      undisturbed = answers(EngineRuns.run(engine, requests, 7));
    }
    List<TestResult> results = new ArrayList<>();
    try (Engine engine = Engine.open(config().maxSequences(4).resultBatchRows(4).build());
        BufferAllocator allocator = new RootAllocator();
        RequestBatches batches = new RequestBatches(requests, 7, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
        try (EngineBatch open = batch) {
          if (open instanceof EngineBatch.Results r) {
            results.addAll(TestResult.of(r.root()));
            engine.drain();
          }
        }
      }
      assertThat(((BatchingEngine) engine).usedPages()).isZero();
    }
    assertThat(results).hasSizeBetween(1, requests.size() - 1);
    assertThat(results).allSatisfy(r -> assertThat(r.answer()).isEqualTo(undisturbed.get(r.row())));
  }
}
