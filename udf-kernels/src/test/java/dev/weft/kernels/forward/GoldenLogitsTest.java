package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.TestedBackends;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.model.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Trained models in every file format given, against float64 logits.
 *
 * <p>Tolerance. The goldens are of the f32 weights. For f32 and f16 files (their f16 values differ
 * from f32 by at most 2^-11 relative) the logits must be near the goldens. For q8_0 and q4_0 the
 * weights themselves are others, so the reference is a float64 forward pass over the decoded
 * weights, {@link ReferenceForward}, which is itself checked against the goldens with the f32 file.
 * A sum of K f32 products in sequence has a relative error of at most K 2^-24, about 1e-5 at K =
 * 192; over five layers and with logits up to about 20 in size, 1e-3 is far above what rounding
 * gives and far below what a wrong kernel gives. Where a backend rounds activations, the reference
 * does.
 */
class GoldenLogitsTest {
  private static final double ROUNDING = 1e-3;

  private static final int GREEDY_TOKENS = 100;

  static List<Arguments> cases() throws Exception {
    var cases = new ArrayList<Arguments>();
    for (var provider : TestedBackends.all()) {
      for (String file :
          List.of(
              "stories260K/stories260K-f32.gguf",
              "stories260K/stories260K-f16.gguf",
              "llama2xs/llama2xs-f32.gguf",
              "llama2xs/llama2xs-f16.gguf",
              "llama2xs/llama2xs-q8_0.gguf",
              "llama2xs/llama2xs-q4_0.gguf")) {
        cases.add(Arguments.of(provider.name(), file));
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void logitsAndGreedyTokensAreThoseOfFloat64(String backendName, String file) throws Exception {
    Path models = Path.of(System.getProperty("weft.shared.data", "")).resolve("models");
    assumeTrue(
        Files.isDirectory(models), "no models in the folder of system property weft.shared.data");
    var provider = Backends.find(backendName);
    JsonNode golden =
        new ObjectMapper()
            .readTree(models.resolve("goldens-float64.json").toFile())
            .get(file.substring(0, file.indexOf('/')));
    try (Model model = Model.open(models.resolve(file));
        Backend backend = provider.open(new BackendConfig(2));
        Transformer transformer = Transformer.open(model, backend, new KvConfig(64))) {
      var reference = new ReferenceForward(model.spec(), model.weights());
      if (transformer.roundsActivations()) {
        reference.roundActivations();
      }
      for (JsonNode test : golden.get("cases")) {
        int[] prompt = ints(test.get("prompt_ids"));
        double[] expected = doubles(test.get("last_logits_all"));
        double[] exact = reference.logits(prompt);
        if (file.endsWith("f32.gguf")) {
          assertThat(maxDifference(exact, expected))
              .as("reference against golden")
              .isLessThan(1e-5);
        }
        float[] logits = new float[model.spec().vocabSize()];
        var batch = new StepBatch();
        int[] pages = IntStream.range(0, 64).toArray();
        batch.beginSequence(pages);
        for (int i = 0; i < prompt.length; i++) {
          batch.addToken(prompt[i], i, i == prompt.length - 1);
        }
        transformer.forward(batch, logits);
        for (int i = 0; i < logits.length; i++) {
          assertThat((double) logits[i]).isCloseTo(exact[i], within(ROUNDING));
        }
        followGreedy(transformer, reference, prompt, logits, pages);
      }
    }
  }

  /**
   * What keys and values lose in storage, and activations that are rounded for Q4_0: the mean
   * divergence (Kullback and Leibler, nats) of the next token's distribution from that of float64,
   * after each prompt and its greedy tokens.
   */
  @ParameterizedTest(name = "{0} {1} {2}, {3} keys and values, within {4}")
  @CsvSource({
    "scalar, stories260K, f32, F16, 1e-5",
    "vector, stories260K, f32, F16, 1e-5",
    "vector, llama2xs, f32, F16, 1e-5",
    "scalar, stories260K, f32, Q8_0, 1e-2",
    "vector, stories260K, f32, Q8_0, 1e-2",
    "vector, llama2xs, f32, Q8_0, 1e-2",
    "vector, llama2xs, q4_0, F32, 2e-3",
  })
  void roundedValuesStayNear(
      String backendName, String name, String weights, KvFormat format, double bound)
      throws Exception {
    Path models = Path.of(System.getProperty("weft.shared.data", "")).resolve("models");
    assumeTrue(
        Files.isDirectory(models), "no models in the folder of system property weft.shared.data");
    JsonNode golden =
        new ObjectMapper().readTree(models.resolve("goldens-float64.json").toFile()).get(name);
    try (Model model = Model.open(models.resolve(name + "/" + name + "-" + weights + ".gguf"));
        Backend backend = Backends.find(backendName).open(new BackendConfig(2));
        Transformer transformer = Transformer.open(model, backend, new KvConfig(64, format))) {
      var reference = new ReferenceForward(model.spec(), model.weights());
      float[] logits = new float[model.spec().vocabSize()];
      int[] pages = IntStream.range(0, 64).toArray();
      double divergence = 0;
      int steps = 0;
      for (JsonNode test : golden.get("cases")) {
        int[] prompt = ints(test.get("prompt_ids"));
        double[] exact = reference.logits(prompt);
        var batch = new StepBatch();
        batch.beginSequence(pages);
        for (int i = 0; i < prompt.length; i++) {
          batch.addToken(prompt[i], i, i == prompt.length - 1);
        }
        transformer.forward(batch, logits);
        for (int n = 0; n < GREEDY_TOKENS; n++) {
          divergence += divergence(exact, logits);
          steps++;
          int next = argmax(exact);
          batch.clear();
          batch.beginSequence(pages);
          batch.addToken(next, prompt.length + n, true);
          transformer.forward(batch, logits);
          reference.next(next);
          exact = reference.lastLogits();
        }
      }
      double mean = divergence / steps;
      System.out.printf(
          "%s %s %s %s: divergence %.3g nats%n", backendName, name, weights, format, mean);
      assertThat(mean).isBetween(1e-10, bound);
    }
  }

  private static double divergence(double[] exact, float[] logits) {
    double[] other = new double[logits.length];
    for (int i = 0; i < other.length; i++) {
      other[i] = logits[i];
    }
    double exactSum = logSumOfExponentials(exact);
    double otherSum = logSumOfExponentials(other);
    double sum = 0;
    for (int i = 0; i < exact.length; i++) {
      double log = exact[i] - exactSum;
      sum += Math.exp(log) * (log - (other[i] - otherSum));
    }
    return sum;
  }

  private static double logSumOfExponentials(double[] values) {
    double max = values[argmax(values)];
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value - max);
    }
    return max + Math.log(sum);
  }

  /** Feeds the reference's greedy tokens and compares the choice wherever it is not a near tie. */
  private static void followGreedy(
      Transformer transformer,
      ReferenceForward reference,
      int[] prompt,
      float[] logits,
      int[] pages) {
    var batch = new StepBatch();
    reference.logits(prompt);
    double[] exact = reference.lastLogits();
    for (int n = 0; n < GREEDY_TOKENS; n++) {
      int best = argmax(exact);
      double gap = Double.POSITIVE_INFINITY;
      int mine = 0;
      for (int i = 0; i < exact.length; i++) {
        if (i != best) {
          gap = Math.min(gap, exact[best] - exact[i]);
        }
        mine = logits[i] > logits[mine] ? i : mine;
      }
      if (gap > 2 * ROUNDING) {
        assertThat(mine).as("greedy token " + n).isEqualTo(best);
      }
      batch.clear();
      batch.beginSequence(pages);
      batch.addToken(best, prompt.length + n, true);
      transformer.forward(batch, logits);
      reference.next(best);
      exact = reference.lastLogits();
    }
  }

  private static int argmax(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  private static double maxDifference(double[] a, double[] b) {
    double max = 0;
    for (int i = 0; i < a.length; i++) {
      max = Math.max(max, Math.abs(a[i] - b[i]));
    }
    return max;
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }

  private static double[] doubles(JsonNode array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).doubleValue();
    }
    return values;
  }
}
