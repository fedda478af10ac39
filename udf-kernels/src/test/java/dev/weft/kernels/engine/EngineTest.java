package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an engine promises, on a tiny model whose tokens are bytes. */
@Timeout(120)
class EngineTest {
  @TempDir static Path folder;
  private static Path model;

  @BeforeAll
  static void writeModel() throws Exception {
    model = TinyModel.write(folder);
  }

  private static EngineConfig.Builder config() {
    return EngineConfig.builder(model).backend("scalar").threads(1).kvBudgetBytes(2 << 20);
  }

  private static TestRequest greedy(long row, String prompt) {
    return TestRequest.greedy(row, TinyModel.tokens(prompt));
  }

  @Test
  void everyRequestGivesOneRowForEachSample() throws Exception {
    try (Engine engine = Engine.open(config().build())) {
      var requests = new ArrayList<TestRequest>();
      for (int i = 0; i < 300; i++) {
        requests.add(greedy(i, "request " + i).maxTokens(1 + i % 7).samples(1 + i % 3));
      }
      var run = EngineRuns.run(engine, requests, 50);
      assertThat(run.results().stream().map(r -> r.row() + "/" + r.sample()))
          .hasSize(600)
          .doesNotHaveDuplicates();
      assertThat(run.results()).allMatch(r -> r.errorCode().equals("null"));
      assertThat(run.results())
          .allMatch(
              r -> r.integer(ResultSchema.PROMPT_TOKENS) == ("request " + r.row()).length() + 1);
    }
  }

  @Test
  void badRequestsBecomeErrorRowsAndOthersGoOn() throws Exception {
    try (Engine engine = Engine.open(config().build())) {
      TestRequest good = greedy(0, "good");
      String wanted = EngineRuns.run(engine, good).only().answer();
      var run =
          EngineRuns.run(
              engine,
              List.of(
                  TestRequest.greedy(1),
                  greedy(2, "x".repeat(TinyModel.CONTEXT)),
                  TestRequest.greedy(3, 1, TinyModel.VOCABULARY),
                  TestRequest.greedy(4, 1, -1),
                  greedy(5, "a").stopTokens(-7),
                  greedy(6, "a").sampled(-1, 1, 0, 0),
                  greedy(7, "a").maxTokens(0),
                  greedy(8, "a").samples(0),
                  greedy(9, "a").samples(1000),
                  greedy(10, "a").logprobs(21),
                  greedy(11, "a").side(2),
                  greedy(12, "a").stop(""),
                  greedy(13, "a").estimated(-1),
                  greedy(14, "a").sampled(1, Float.NaN, 0, 0),
                  good),
              4);
      assertThat(run.results()).hasSize(15);
      for (TestResult result : run.results()) {
        String code =
            switch ((int) result.row()) {
              case 0 -> "null";
              case 1 -> "PROMPT_EMPTY";
              case 2 -> "PROMPT_EXCEEDS_CONTEXT";
              case 3, 4, 5 -> "TOKEN_OUT_OF_RANGE";
              default -> "PARAMETER_OUT_OF_RANGE";
            };
        assertThat(result.errorCode()).as(result.toString()).isEqualTo(code);
        if (result.row() > 0) {
          assertThat(result.finishReason()).isEqualTo("error");
          assertThat(result.text()).isEqualTo("null");
          assertThat(result.columns().get(ResultSchema.ERROR_MESSAGE).toString())
              .hasSizeGreaterThan(20);
        } else {
          assertThat(result.answer()).isEqualTo(wanted);
        }
      }
      assertThat(engine.totals().errorRequests()).isEqualTo(14);
      assertThat(engine.totals().requests()).isEqualTo(16);
    }
  }

  @Test
  void requestsThatNeverFitTheKvCacheBecomeErrorRows() throws Exception {
    long page = pageBytes();
    try (Engine engine = Engine.open(config().kvBudgetBytes(4 * page).build())) {
      var run =
          EngineRuns.run(
              engine,
              greedy(1, "y".repeat(100)),
              greedy(2, "z".repeat(20)).maxTokens(200).ignoreEos(true),
              greedy(3, "fits").maxTokens(9));
      for (TestResult result : run.results()) {
        assertThat(result.errorCode()).isEqualTo(result.row() == 3 ? "null" : "KV_CACHE_TOO_SMALL");
        assertThat(result.text().equals("null")).isEqualTo(result.row() != 3);
      }
    }
  }

  private static long pageBytes() {
    try (Engine engine = Engine.open(config().build())) {
      return engine.info().kvBytes() / engine.info().kvPages();
    }
  }

  @Test
  void logitsThatAreNotNumbersPoisonOnlyTheirRequest() throws Exception {
    // As few pages as possible, so that clean requests get the pages that held poisoned values.
    Path poisoned = TinyModel.writePoisoned(folder);
    for (String backend : EngineRuns.backends()) {
      try (Engine engine =
              Engine.open(
                  EngineConfig.builder(poisoned)
                      .backend(backend)
                      .threads(2)
                      .kvBudgetBytes(14 * pageBytes())
                      .maxSequences(4)
                      .build());
          Engine clean = Engine.open(config().backend(backend).build())) {
        var requests = new ArrayList<TestRequest>();
        for (int i = 0; i < 40; i++) {
          String prompt = "request " + i + " ".repeat(i);
          int[] tokens = TinyModel.tokens(i % 2 == 0 ? prompt : prompt + "\u00FF" + prompt);
          requests.add(TestRequest.greedy(i, tokens).maxTokens(5).logprobs(1));
        }
        var wanted = new HashMap<Long, TestResult>();
        for (int i = 0; i < 40; i += 2) {
          wanted.put((long) i, EngineRuns.run(clean, requests.get(i)).only());
        }
        int compared = 0;
        for (TestResult result : EngineRuns.run(engine, requests, 100).results()) {
          if (result.row() % 2 == 1) {
            assertThat(result.errorCode()).isEqualTo("ENGINE_NONFINITE_LOGITS");
            continue;
          }
          // An answer may draw the poisoned token by itself; as its last token it does no harm.
          TestResult clear = wanted.get(result.row());
          int[] before = Arrays.copyOf(clear.tokens(), clear.tokens().length - 1);
          if (Arrays.stream(before).noneMatch(token -> token == TinyModel.POISON)) {
            assertThat(result.answer()).as(backend).isEqualTo(clear.answer());
            compared++;
          }
        }
        assertThat(compared).isGreaterThan(10);
      }
    }
  }

  @Test
  void answersSurvivePreemption() throws Exception {
    var requests = new ArrayList<TestRequest>();
    for (int i = 0; i < 8; i++) {
      requests.add(
          greedy(i, "p" + i).maxTokens(120).estimated(1).ignoreEos(true).sampled(1, 1, 0, 0));
    }
    List<String> wanted;
    try (Engine engine = Engine.open(config().build())) {
      wanted =
          EngineRuns.run(engine, requests, 8).results().stream().map(TestResult::answer).toList();
      assertThat(engine.totals().preemptions()).isZero();
    }
    // Each grows to eight pages, and all are let in with one or two.
    try (Engine engine = Engine.open(config().kvBudgetBytes(12 * pageBytes()).build())) {
      var results = EngineRuns.run(engine, requests, 8).results();
      assertThat(results.stream().map(TestResult::answer))
          .containsExactlyInAnyOrderElementsOf(wanted);
      EngineTotals totals = engine.totals();
      assertThat(totals.preemptions()).isPositive();
      assertThat(totals.recomputedTokens()).isPositive();
      assertThat(results.stream().mapToLong(r -> r.integer(ResultSchema.RECOMPUTED_TOKENS)).sum())
          .isEqualTo(totals.recomputedTokens());
    }
  }

  @Test
  void endsAtTheContextAndAtMaxTokens() throws Exception {
    try (Engine engine = Engine.open(config().build())) {
      var run =
          EngineRuns.run(
              engine,
              greedy(1, "w".repeat(TinyModel.CONTEXT - 11)).maxTokens(1_000_000).ignoreEos(true),
              greedy(2, "v").maxTokens(3).ignoreEos(true));
      for (TestResult result : run.results()) {
        assertThat(result.finishReason()).isEqualTo("length");
        assertThat(result.tokens()).hasSize(result.row() == 1 ? 10 : 3);
        assertThat(result.integer(ResultSchema.OUTPUT_TOKENS)).isEqualTo(result.tokens().length);
      }
    }
  }

  @Test
  void stopsAtTextsAcrossTokensAtTokensAndAtTheEndOfGeneration() throws Exception {
    try (Engine engine = Engine.open(config().build())) {
      var whole = EngineRuns.run(engine, greedy(1, "tell").maxTokens(60).ignoreEos(true)).only();
      int[] tokens = whole.tokens();
      assertThat(tokens).hasSize(60);
      String text = whole.text();
      // Three characters from the middle: with this tokenizer at least three tokens.
      String stop = text.substring(text.length() / 2, text.length() / 2 + 3);
      var stopped =
          EngineRuns.run(
                  engine,
                  greedy(1, "tell").maxTokens(60).ignoreEos(true).stop("\u0001\u0001", stop))
              .only();
      assertThat(stopped.finishReason()).isEqualTo("stop");
      assertThat(stopped.stopReason()).isEqualTo(stop);
      assertThat(stopped.text()).isEqualTo(text.substring(0, text.indexOf(stop)));
      assertThat(tokens).startsWith(stopped.tokens());
      assertThat(stopped.integer(ResultSchema.OUTPUT_TOKENS)).isEqualTo(stopped.tokens().length);

      int last = tokens[20];
      int first = 0;
      while (tokens[first] != last) {
        first++;
      }
      var atToken =
          EngineRuns.run(
                  engine, greedy(1, "tell").maxTokens(60).ignoreEos(true).stopTokens(last, last))
              .only();
      assertThat(atToken.stopReason()).isEqualTo("token:" + last);
      assertThat(atToken.tokens()).isEqualTo(Arrays.copyOf(tokens, first));
      assertThat(atToken.integer(ResultSchema.OUTPUT_TOKENS)).isEqualTo(first + 1);

      var hot = new ArrayList<TestRequest>();
      for (int i = 0; i < 40; i++) {
        hot.add(greedy(i, "heat").sampled(5, 1, 0, 0).maxTokens(100));
      }
      var ends = EngineRuns.run(engine, hot, 40).results();
      assertThat(ends).anyMatch(r -> r.stopReason().equals("eos"));
      for (TestResult end : ends) {
        assertThat(end.tokens()).doesNotContain(TinyModel.EOS);
        boolean eos = end.finishReason().equals("stop");
        assertThat(end.integer(ResultSchema.OUTPUT_TOKENS))
            .isEqualTo(end.tokens().length + (eos ? 1 : 0));
      }
    }
  }

  @Test
  void logprobsSumUpAndNameTheGreedyTokenFirst() throws Exception {
    try (Engine engine = Engine.open(config().build())) {
      var result = EngineRuns.run(engine, greedy(1, "log").maxTokens(12).logprobs(3)).only();
      var tokens = (List<?>) result.columns().get(ResultSchema.LOGPROBS);
      assertThat(tokens).hasSize(result.tokens().length);
      double sum = 0;
      for (int i = 0; i < tokens.size(); i++) {
        var token = (Map<?, ?>) tokens.get(i);
        var top = (List<?>) token.get("top");
        assertThat(top).hasSize(3);
        assertThat(((Map<?, ?>) top.getFirst()).get("token")).isEqualTo(result.tokens()[i]);
        sum += (Float) token.get("logprob");
      }
      assertThat(result.number(ResultSchema.CUMULATIVE_LOGPROB)).isCloseTo(sum, within(1e-5));
    }
  }

  @Test
  void samplesOfARequestShareItsPrompt() throws Exception {
    try (Engine engine = Engine.open(config().build())) {
      var run =
          EngineRuns.run(
              engine, greedy(1, "p".repeat(70)).sampled(1, 1, 0, 0).samples(5).maxTokens(20));
      assertThat(run.results()).hasSize(5);
      assertThat(run.results().stream().map(TestResult::text).distinct().count()).isGreaterThan(3);
      // 71 tokens are four full pages; four samples find them.
      assertThat(engine.totals().sharedTokens()).isEqualTo(4 * 64);
      assertThat(run.results().stream().mapToInt(r -> r.integer(ResultSchema.SHARED_TOKENS)).sum())
          .isEqualTo(4 * 64);
    }
  }

  @Test
  void sharesWhatThePrefixTreeSaysIsThere() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("EngineTest.sharesWhatThePrefixTreeSaysIsThere seed " + seed);
    var random = new Random(seed);
    var requests = new ArrayList<TestRequest>();
    var set = RequestSet.builder();
    for (int i = 0; i < 60; i++) {
      // Prefixes are whole pages of 16 and differ within the next one.
      int[] tokens =
          TinyModel.tokens("abc".charAt(i % 3) + "q".repeat(14 + 16 * (i % 4)) + i + "!");
      requests.add(TestRequest.greedy(i, tokens).maxTokens(3));
      set.add(tokens, 3);
    }
    Collections.shuffle(requests, random);
    int pageTokens = 16;
    long reusable = 0;
    var seen = new HashSet<List<Integer>>();
    for (TestRequest request : requests) {
      var prefix = new ArrayList<Integer>();
      for (int page = 0; page < (request.tokens().length - 1) / pageTokens; page++) {
        for (int t = 0; t < pageTokens; t++) {
          prefix.add(request.tokens()[page * pageTokens + t]);
        }
        reusable += seen.add(List.copyOf(prefix)) ? 0 : pageTokens;
      }
    }
    assertThat(PrefixTree.build(set.build()).reusableTokens(pageTokens)).isEqualTo(reusable);
    try (Engine engine = Engine.open(config().build())) {
      var run = EngineRuns.run(engine, requests, 10);
      assertThat(run.results().stream().mapToLong(r -> r.integer(ResultSchema.SHARED_TOKENS)).sum())
          .isEqualTo(reusable);
      EngineTotals totals = engine.totals();
      assertThat(totals.sharedTokens()).isEqualTo(reusable);
      long prompts = requests.stream().mapToLong(r -> r.tokens().length).sum();
      assertThat(totals.prefillTokens()).isEqualTo(prompts - reusable);
    }
  }

  @Test
  void stepRowsAddUpToTheTotals() throws Exception {
    try (Engine engine = Engine.open(config().stepMetricsEvery(1).build())) {
      var requests = new ArrayList<TestRequest>();
      for (int i = 0; i < 80; i++) {
        requests.add(greedy(i, "s".repeat(i)).maxTokens(12).side(i % 2));
      }
      var run = EngineRuns.run(engine, requests, 9);
      EngineTotals totals = engine.totals();
      assertThat(run.steps()).hasSize((int) totals.steps());
      assertThat(sum(run, StepSchema.PREFILL_TOKENS)).isEqualTo(totals.prefillTokens());
      assertThat(sum(run, StepSchema.DECODE_TOKENS)).isEqualTo(totals.decodeTokens());
      assertThat(sum(run, StepSchema.SHARED_TOKENS)).isEqualTo(totals.sharedTokens());
      assertThat(sum(run, StepSchema.PREFIX_HITS)).isEqualTo(totals.prefixHits());
      assertThat(sum(run, StepSchema.COMPUTE_SIDE_TOKENS) + sum(run, StepSchema.MEMORY_SIDE_TOKENS))
          .isEqualTo(totals.prefillTokens() + totals.decodeTokens());
      assertThat(sum(run, StepSchema.SECONDS)).isCloseTo(totals.busySeconds(), within(1e-9));
      assertThat(sum(run, StepSchema.ENERGY_JOULES)).isCloseTo(totals.energyJoules(), within(1e-6));
      double ofRequests =
          run.results().stream().mapToDouble(r -> r.number(ResultSchema.ENERGY_JOULES)).sum();
      assertThat(ofRequests).isCloseTo(totals.energyJoules(), within(1e-6));
      assertThat(totals.energyJoules()).isPositive();
      assertThat(totals.generatedTokens())
          .isEqualTo(
              run.results().stream().mapToLong(r -> r.integer(ResultSchema.OUTPUT_TOKENS)).sum());
    }
  }

  private static double sum(EngineRuns.Run run, String column) {
    return run.steps().stream().mapToDouble(s -> Double.parseDouble((String) s.get(column))).sum();
  }
}
