package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Greedy answers of trained models, all cases in one batch, against the float64 goldens: equal
 * wherever no token's lead over the next one is within the kernels' rounding.
 */
class GoldenAnswersTest {
  /** As for the logits: 1e-3 each. */
  private static final double GAP = 2e-3;

  static List<Arguments> cases() {
    var cases = new ArrayList<Arguments>();
    for (String backend : EngineRuns.backends()) {
      cases.add(Arguments.of(backend, "stories260K"));
      cases.add(Arguments.of(backend, "llama2xs"));
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void greedyAnswersAreThoseOfFloat64(String backend, String name) throws Exception {
    Path model = EngineRuns.sharedModel(name + "/" + name + "-f32.gguf");
    JsonNode goldens =
        new ObjectMapper()
            .readTree(model.getParent().resolveSibling("goldens-float64.json").toFile())
            .get(name)
            .get("cases");
    var requests = new ArrayList<TestRequest>();
    for (int i = 0; i < goldens.size(); i++) {
      requests.add(
          TestRequest.greedy(i, ints(goldens.get(i).get("prompt_ids")))
              .maxTokens(goldens.get(i).get("greedy_ids").size())
              .logprobs(0)
              .ignoreEos(true));
    }
    var config = EngineConfig.builder(model).backend(backend).threads(2).kvBudgetBytes(16 << 20);
    try (Engine engine = Engine.open(config.build())) {
      var results = EngineRuns.run(engine, requests, 10).results();
      assertThat(results).hasSize(goldens.size());
      int compared = 0;
      for (TestResult result : results) {
        JsonNode golden = goldens.get((int) result.row());
        int[] expected = ints(golden.get("greedy_ids"));
        if (golden.get("greedy_min_top2_gap").asDouble() > GAP) {
          assertThat(result.tokens()).as(name + " case " + result.row()).isEqualTo(expected);
          assertThat(result.text().strip()).isEqualTo(golden.get("greedy_text").asText().strip());
          compared++;
        }
        var first = (Map<?, ?>) ((List<?>) result.columns().get(ResultSchema.LOGPROBS)).getFirst();
        assertThat((double) (Float) first.get("logprob"))
            .isCloseTo(logprob(golden.get("last_logits_all"), expected[0]), within(1e-3));
      }
      assertThat(compared).as("cases without a near tie").isPositive();
    }
  }

  @ParameterizedTest
  @CsvSource({"q4_0, true", "q8_0, false"})
  void roundedActivationsAreNamed(String format, boolean rounded) {
    Path model = EngineRuns.sharedModel("llama2xs/llama2xs-" + format + ".gguf");
    var config = EngineConfig.builder(model).backend("vector").threads(1).kvBudgetBytes(16 << 20);
    try (Engine engine = Engine.open(config.build())) {
      assertThat(engine.info().warnings().stream().anyMatch(w -> w.contains("rounded to 9 bits")))
          .isEqualTo(rounded);
    }
  }

  private static double logprob(JsonNode logits, int token) {
    double sum = 0;
    for (JsonNode logit : logits) {
      sum += Math.exp(logit.asDouble());
    }
    return logits.get(token).asDouble() - Math.log(sum);
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }
}
