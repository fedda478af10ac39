package dev.weft.kernels.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final int[] NO_TOKENS = {};

  private static SamplingParams params(float temperature, int topK, float topP, float minP) {
    return new SamplingParams(1, 0, 0, temperature, topK, topP, minP);
  }

  private static float[] randomLogits(Random random, int vocabulary) {
    float[] logits = new float[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      // Rounded, so that equal logits are frequent.
      logits[i] = Math.round(random.nextGaussian() * 20) / 8f;
    }
    return logits;
  }

  /** Probabilities and tokens to draw from as the documentation has them, by sorting. */
  private static double[] exact(float[] logits, SamplingParams p) {
    int vocabulary = logits.length;
    double max = IntStream.range(0, vocabulary).mapToDouble(i -> logits[i]).max().orElseThrow();
    double[] weights = new double[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      weights[i] = StrictMath.exp((logits[i] - max) / p.temperature());
    }
    Integer[] order = IntStream.range(0, vocabulary).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(i -> i));
    int kept = p.topK() == 0 ? vocabulary : Math.min(p.topK(), vocabulary);
    double total = 0;
    for (int i = 0; i < kept; i++) {
      total += weights[order[i]];
    }
    if (p.topP() < 1) {
      double sum = 0;
      int n = 0;
      while (n < kept && (n == 0 || sum < p.topP() * total)) {
        sum += weights[order[n++]];
      }
      kept = n;
    }
    double[] probabilities = new double[vocabulary];
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      if (weights[order[i]] >= p.minP()) {
        probabilities[order[i]] = weights[order[i]];
        sum += weights[order[i]];
      }
    }
    for (int i = 0; i < vocabulary; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  @Test
  void drawsFromExactlyTheDocumentedTokens() {
    long seed = new Random().nextLong();
    System.out.println("SamplerTest.drawsFromExactlyTheDocumentedTokens seed " + seed);
    var random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      int vocabulary = 1 + random.nextInt(round % 5 == 0 ? 1_000 : 40);
      float[] logits = randomLogits(random, vocabulary);
      var p =
          params(
              0.25f + random.nextFloat() * 2,
              random.nextBoolean() ? 0 : 1 + random.nextInt(2 * vocabulary),
              random.nextBoolean() ? 1 : 0.05f + random.nextFloat() * 0.9f,
              random.nextBoolean() ? 0 : random.nextFloat());
      double[] expected = exact(logits, p);
      var sampler = new Sampler(vocabulary, 5);
      assertThat(sampler.load(logits, 0)).isTrue();
      int drawn = sampler.draw(p, NO_TOKENS, 0, 0, random.nextDouble());
      int[] candidates = sampler.candidates();
      int[] wanted = IntStream.range(0, vocabulary).filter(i -> expected[i] > 0).toArray();
      assertThat(candidates).as("round " + round + " " + p).isEqualTo(wanted);
      assertThat(expected[drawn]).isPositive();
    }
  }

  @Test
  void frequenciesAreThoseOfTheDistribution() {
    var random = new Random(11);
    int vocabulary = 40;
    for (SamplingParams p :
        new SamplingParams[] {
          params(1, 0, 1, 0), params(0.7f, 0, 0.9f, 0), params(1.5f, 12, 1, 0), params(1, 0, 1, .1f)
        }) {
      float[] logits = randomLogits(random, vocabulary);
      double[] expected = exact(logits, p);
      var sampler = new Sampler(vocabulary, 5);
      sampler.load(logits, 0);
      int draws = 200_000;
      int[] counts = new int[vocabulary];
      long key = RandomStream.key(3);
      for (int i = 0; i < draws; i++) {
        counts[sampler.draw(p, NO_TOKENS, 0, 0, RandomStream.uniform(key, 0, i))]++;
      }
      double chiSquare = 0;
      int degrees = -1;
      for (int i = 0; i < vocabulary; i++) {
        if (expected[i] == 0) {
          assertThat(counts[i]).isZero();
        } else {
          double wanted = expected[i] * draws;
          chiSquare += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
          degrees++;
        }
      }
      // Mean plus five standard deviations of the distribution.
      assertThat(chiSquare).as(p.toString()).isLessThan(degrees + 5 * Math.sqrt(2.0 * degrees));
    }
  }

  @Test
  void theRandomNumberWalksThroughTheTokensInOrder() {
    float[] logits = {0, 1, 2, 1};
    var sampler = new Sampler(4, 1);
    sampler.load(logits, 0);
    double[] p = exact(logits, params(1, 0, 1, 0));
    assertThat(sampler.draw(params(1, 0, 1, 0), NO_TOKENS, 0, 0, 0)).isEqualTo(0);
    assertThat(sampler.draw(params(1, 0, 1, 0), NO_TOKENS, 0, 0, p[0] + 1e-9)).isEqualTo(1);
    assertThat(sampler.draw(params(1, 0, 1, 0), NO_TOKENS, 0, 0, Math.nextDown(1.0))).isEqualTo(3);
    // Weights that vanish are never drawn, whatever the random number.
    sampler.load(new float[] {0, -1e30f, Float.NEGATIVE_INFINITY, -1e30f}, 0);
    for (double u : new double[] {0, 0.5, Math.nextDown(1.0)}) {
      assertThat(sampler.draw(params(1, 0, 1, 0), NO_TOKENS, 0, 0, u)).isZero();
    }
  }

  @Test
  void greedyTakesTheLowestOfEqualTokens() {
    var sampler = new Sampler(5, 1);
    sampler.load(new float[] {9, 9, 9, 9, 9, -1, 3, 2, 3, -0f}, 1);
    assertThat(sampler.draw(SamplingParams.GREEDY, NO_TOKENS, 0, 0, 0.99)).isEqualTo(1);
    sampler.load(new float[] {-1, -0f, 0f, -0f, -2}, 0);
    assertThat(sampler.draw(SamplingParams.GREEDY, NO_TOKENS, 0, 0, 0.99)).isEqualTo(1);
  }

  @Test
  void penaltiesFollowHuggingFaceAndOpenAi() {
    float[] logits = {2, 2, -1, 1, 0.5f, 3};
    int[] tokens = {0, 2, 2, /* generated */ 3, 5, 5, /* beyond */ 4};
    var p = new SamplingParams(2, 0.5f, 0.25f, 1, 0, 1, 0);
    // Token 0 of the prompt 2/2, token 2 of the prompt -1*2, token 3 1/2-0.75, token 5 3/2-1.25.
    float[] penalized = {1, 2, -2, -0.25f, 0.5f, 0.25f};
    double[] expected = exact(penalized, params(1, 0, 1, 0));
    var sampler = new Sampler(6, 1);
    sampler.load(logits, 0);
    double before = 0;
    for (int token = 0; token < 6; token++) {
      double middle = before + expected[token] / 2;
      assertThat(sampler.draw(p, tokens, 3, 6, middle)).isEqualTo(token);
      before += expected[token];
    }
    var greedy = new SamplingParams(1, 1, 1, 0, 0, 1, 0);
    assertThat(sampler.draw(greedy, tokens, 3, 6, 0)).isZero();
    // What the model itself thinks is not changed.
    assertThat(sampler.logProbability(5))
        .isCloseTo(Math.log(exact(logits, params(1, 0, 1, 0))[5]), within(1e-14));
  }

  @Test
  void logProbabilitiesAreThoseOfTheModel() {
    var random = new Random(17);
    for (int round = 0; round < 100; round++) {
      int vocabulary = 1 + random.nextInt(300);
      float[] logits = randomLogits(random, vocabulary);
      var sampler = new Sampler(vocabulary, 20);
      sampler.load(logits, 0);
      sampler.draw(params(0.5f, 3, 0.5f, 0.5f), NO_TOKENS, 0, 0, 0.5);
      double[] p = exact(logits, params(1, 0, 1, 0));
      for (int token = 0; token < vocabulary; token++) {
        assertThat(sampler.logProbability(token)).isCloseTo(Math.log(p[token]), within(1e-12));
      }
      int[] top = new int[20];
      int found = sampler.top(top, 7);
      Integer[] order = IntStream.range(0, vocabulary).boxed().toArray(Integer[]::new);
      Arrays.sort(
          order, Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(i -> i));
      assertThat(found).isEqualTo(Math.min(7, vocabulary));
      for (int i = 0; i < found; i++) {
        assertThat(top[i]).isEqualTo(order[i]);
      }
      assertThat(sampler.top(top, 0)).isZero();
    }
  }

  @Test
  void logitsThatAreNotNumbersAreFound() {
    var sampler = new Sampler(3, 1);
    assertThat(sampler.load(new float[] {1, Float.NaN, 2}, 0)).isFalse();
    assertThat(sampler.load(new float[] {1, Float.POSITIVE_INFINITY, 2}, 0)).isFalse();
    float none = Float.NEGATIVE_INFINITY;
    assertThat(sampler.load(new float[] {none, none, none}, 0)).isFalse();
    assertThat(sampler.load(new float[] {none, -3, none}, 0)).isTrue();
    var bits = new BitSet();
    for (double u = 0; u < 1; u += 0.01) {
      bits.set(sampler.draw(params(1, 0, 1, 0), NO_TOKENS, 0, 0, u));
    }
    assertThat(bits.stream()).containsExactly(1);
  }

  @Test
  void parametersOutOfRangeAreNamed() {
    assertThatThrownBy(() -> params(-1, 0, 1, 0)).hasMessageContaining("temperature is -1.0");
    assertThatThrownBy(() -> params(Float.NaN, 0, 1, 0)).hasMessageContaining("temperature");
    assertThatThrownBy(() -> params(1, -1, 1, 0)).hasMessageContaining("top_k is -1");
    assertThatThrownBy(() -> params(1, 0, 0, 0)).hasMessageContaining("top_p is 0.0");
    assertThatThrownBy(() -> params(1, 0, 1, 1.5f)).hasMessageContaining("min_p is 1.5");
    assertThatThrownBy(() -> new SamplingParams(0, 0, 0, 0, 0, 1, 0))
        .hasMessageContaining("repetition_penalty is 0.0");
    assertThatThrownBy(() -> new SamplingParams(1, 3, 0, 0, 0, 1, 0))
        .hasMessageContaining("frequency_penalty is 3.0");
    assertThatThrownBy(() -> new SamplingParams(1, 0, -3, 0, 0, 1, 0))
        .hasMessageContaining("presence_penalty is -3.0");
  }
}
