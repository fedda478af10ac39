package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.TestedBackends;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A tiny random model of every architecture, as a Hugging Face folder, against transformers in
 * float64: last logits, log-probabilities of the prompt, greedy tokens. The same logits come bit by
 * bit when the prompt is cut into chunks, so that windows, head norms and routing do not depend on
 * the batch.
 *
 * <p>Tolerance. Sums of up to 256 f32 products have a relative error of at most 256 2^-24, 1.5e-5;
 * logits are of size up to 3. Over three layers 2e-5 is ten times what was seen and far below what
 * a wrong kernel gives.
 */
class ArchitectureGoldensTest {
  private static final double ROUNDING = 2e-5;
  private static final List<String> ARCHITECTURES =
      List.of("llama", "mistral", "qwen2", "qwen3", "phi3", "mixtral");
  private static final int PAGES = 16;

  static List<Arguments> cases() {
    var cases = new ArrayList<Arguments>();
    for (var provider : TestedBackends.all()) {
      ARCHITECTURES.forEach(name -> cases.add(Arguments.of(provider.name(), name)));
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void givesTheLogitsOfTheReference(String backendName, String architecture) throws Exception {
    Path folder =
        Path.of(System.getProperty("weft.shared.data", "absent"), "models/architectures")
            .resolve(architecture);
    assumeTrue(Files.isDirectory(folder), "skipped: " + folder + " is not there");
    JsonNode golden = new ObjectMapper().readTree(folder.resolve("golden.json").toFile());
    double worst = 0;
    int compared = 0;
    try (Model model = Model.open(folder);
        Backend backend = Backends.find(backendName).open(new BackendConfig(2));
        Transformer transformer = Transformer.open(model, backend, new KvConfig(PAGES))) {
      assertThat(model.spec().architecture()).isEqualTo(architecture);
      assertThat(golden.required("cases").size()).isPositive();
      for (JsonNode test : golden.required("cases")) {
        int[] prompt = ints(test.required("prompt"));
        double[] expected = doubles(test.required("last_logits"));
        double[] logProbabilities = doubles(test.required("prompt_logprobs"));
        float[][] logits = run(transformer, prompt, prompt.length);
        for (int chunk : new int[] {1, 5, 33}) {
          float[][] chunked = run(transformer, prompt, chunk);
          for (int t = 0; t < prompt.length; t++) {
            assertThat(Arrays.mismatch(chunked[t], logits[t])).as("token %d", t).isEqualTo(-1);
          }
        }
        worst = Math.max(worst, difference(logits[prompt.length - 1], expected));
        for (int t = 0; t + 1 < prompt.length; t++) {
          double probability = logProbability(logits[t], prompt[t + 1]);
          worst = Math.max(worst, Math.abs(probability - logProbabilities[t]));
        }
        compared += followGreedy(transformer, test, prompt, logits[prompt.length - 1]);
      }
    }
    System.out.printf(
        "%s %s: %.1e, %d greedy tokens%n", backendName, architecture, worst, compared);
    assertThat(worst).isLessThan(ROUNDING);
    assertThat(compared).isPositive();
  }

  /** Logits of every token, the prompt in chunks. */
  private static float[][] run(Transformer transformer, int[] prompt, int chunk) {
    int vocabulary = transformer.spec().vocabSize();
    var logits = new float[prompt.length][];
    var batch = new StepBatch();
    for (int from = 0; from < prompt.length; from += chunk) {
      int to = Math.min(prompt.length, from + chunk);
      batch.clear();
      batch.beginSequence(IntStream.range(0, PAGES).toArray());
      for (int t = from; t < to; t++) {
        batch.addToken(prompt[t], t, true);
      }
      float[] rows = new float[(to - from) * vocabulary];
      transformer.forward(batch, rows);
      for (int t = from; t < to; t++) {
        logits[t] = Arrays.copyOfRange(rows, (t - from) * vocabulary, (t - from + 1) * vocabulary);
      }
    }
    return logits;
  }

  /** Feeds the reference's greedy tokens, compares those that are no near tie, counts them. */
  private static int followGreedy(
      Transformer transformer, JsonNode test, int[] prompt, float[] logits) {
    int[] greedy = ints(test.required("greedy"));
    double[] gaps = doubles(test.required("greedy_top2_gap"));
    float[] current = logits.clone();
    var batch = new StepBatch();
    int compared = 0;
    for (int n = 0; n < greedy.length; n++) {
      if (gaps[n] > 2 * ROUNDING) {
        int mine = 0;
        for (int i = 1; i < current.length; i++) {
          mine = current[i] > current[mine] ? i : mine;
        }
        assertThat(mine)
            .as("greedy token %d of prompt of %d", n, prompt.length)
            .isEqualTo(greedy[n]);
        compared++;
      }
      batch.clear();
      batch.beginSequence(IntStream.range(0, PAGES).toArray());
      batch.addToken(greedy[n], prompt.length + n, true);
      transformer.forward(batch, current);
    }
    return compared;
  }

  private static double logProbability(float[] logits, int token) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return logits[token] - Math.log(sum);
  }

  private static double difference(float[] logits, double[] expected) {
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(logits[i] - expected[i]);
      worst = Double.isNaN(difference) ? Double.NaN : Math.max(worst, difference);
    }
    return worst;
  }

  private static int[] ints(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
  }

  private static double[] doubles(JsonNode array) {
    return IntStream.range(0, array.size()).mapToDouble(i -> array.get(i).doubleValue()).toArray();
  }
}
