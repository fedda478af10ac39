package dev.weft.batching.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OutputDistributionTest {
  @Test
  void momentsEqualBruteForceOverItsLengths() {
    for (int round = 0; round < 200; round++) {
      long seed = 4_100 + round;
      Random random = new Random(seed);
      int[] points = lengths(random, 1 + random.nextInt(OutputDistribution.MOST_POINTS));
      OutputDistribution distribution = OutputDistribution.ofPoints(points);
      int max = 1 + random.nextInt(600);
      int generated = random.nextInt(max);
      double sum = 0;
      double squares = 0;
      int longer = 0;
      for (int point : points) {
        if (point > generated) {
          longer++;
          sum += Math.min(point, max);
          squares += Math.pow(Math.min(point, max), 2);
        }
      }
      String label = "seed " + seed;
      double mean = distribution.meanBeyond(generated, max);
      double square = distribution.meanSquareBeyond(generated, max);
      if (longer == 0) {
        assertThat(mean).as(label).isNaN();
        assertThat(square).as(label).isNaN();
      } else {
        assertThat(mean).as(label).isCloseTo(sum / longer, within(1e-9));
        assertThat(square).as(label).isCloseTo(squares / longer, within(1e-6));
      }
      assertThat(distribution.mean(max))
          .as(label)
          .isCloseTo(
              Arrays.stream(points).map(p -> Math.min(p, max)).average().orElseThrow(),
              within(1e-9));
    }
  }

  @Test
  void memorySecondsAreTheMeanOfThoseOfItsLengths() {
    CostModel cost = RandomRequests.cost(0.5);
    for (int round = 0; round < 100; round++) {
      long seed = 4_400 + round;
      Random random = new Random(seed);
      int[] points = lengths(random, OutputDistribution.MOST_POINTS);
      OutputDistribution distribution = OutputDistribution.ofPoints(points);
      int prompt = 1 + random.nextInt(1_000);
      // KV reads token by token, half of the token's own step counted: the integral.
      double expected = 0;
      for (int point : points) {
        double tokens = 0;
        for (int t = 0; t < point; t++) {
          tokens += prompt + t + 0.5;
        }
        expected += tokens / points.length;
      }
      double perToken = cost.memorySeconds(1, 1, 0);
      assertThat(
              cost.memorySeconds(prompt, distribution.mean(9_999), distribution.meanSquare(9_999)))
          .as("seed " + seed)
          .isCloseTo(expected * perToken, within(1e-9 * expected * perToken));
    }
  }

  @Test
  void tablesOfSamplesKeepTheirMeanAndMostOfTheirSpread() {
    for (int round = 0; round < 50; round++) {
      long seed = 4_600 + round;
      Random random = new Random(seed);
      int[] samples = new int[1 + random.nextInt(2_000)];
      for (int i = 0; i < samples.length; i++) {
        samples[i] = (int) Math.min(4_000, Math.exp(5 + random.nextGaussian()));
      }
      Arrays.sort(samples);
      OutputDistribution distribution = OutputDistribution.ofSamples(samples);
      double mean = Arrays.stream(samples).average().orElseThrow();
      double square =
          Arrays.stream(samples).mapToDouble(s -> (double) s * s).average().orElseThrow();
      String label = "seed " + seed;
      assertThat(distribution.size()).as(label).isLessThanOrEqualTo(OutputDistribution.MOST_POINTS);
      // Parts of a few samples are of unequal number.
      double uneven = samples.length % distribution.size() == 0 ? 0 : 16.0 / samples.length;
      assertThat(distribution.mean(4_000)).as(label).isCloseTo(mean, within(1 + uneven * 4_000));
      assertThat(distribution.meanSquare(4_000)).as(label).isLessThan(square * 1.5 + 1);
      if (samples.length >= 500) {
        assertThat(distribution.meanSquare(4_000)).as(label).isGreaterThan(0.7 * square);
      }
    }
  }

  @Test
  void aCertainLengthHasNoSpread() {
    OutputDistribution certain = OutputDistribution.certain(40);
    assertThat(certain.mean(100)).isEqualTo(40);
    assertThat(certain.meanSquare(100)).isEqualTo(1_600);
    assertThat(certain.meanBeyond(39, 100)).isEqualTo(40);
    assertThat(certain.meanBeyond(40, 100)).isNaN();
    assertThat(certain.mean(30)).isEqualTo(30);
  }

  @Test
  void refusesWhatIsNoTable() {
    assertThatThrownBy(() -> OutputDistribution.ofPoints(new int[0])).hasMessageContaining("1 to");
    assertThatThrownBy(() -> OutputDistribution.ofPoints(new int[] {5, 4}))
        .hasMessageContaining("[5, 4]");
    assertThatThrownBy(() -> OutputDistribution.ofPoints(new int[] {-1}))
        .hasMessageContaining("ascend from 0");
  }

  private static int[] lengths(Random random, int count) {
    return random.ints(count, 0, 500).sorted().toArray();
  }
}
