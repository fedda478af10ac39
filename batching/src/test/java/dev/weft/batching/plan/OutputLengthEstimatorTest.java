package dev.weft.batching.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OutputLengthEstimatorTest {
  @Test
  void samplesAreDistinctRepeatableAndAsManyAsAskedFor() {
    for (int round = 0; round < 50; round++) {
      long seed = 1_300 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, random.nextInt(400));
      PrefixTree tree = PrefixTree.build(requests);
      int atLeast = random.nextInt(60);
      int[] sample = OutputLengthEstimator.sample(tree, 0.1, atLeast, seed);
      int wanted = Math.max(atLeast, (int) Math.ceil(requests.size() * 0.1));
      assertThat(sample).hasSize(Math.min(wanted, requests.size())).doesNotHaveDuplicates();
      assertThat(OutputLengthEstimator.sample(tree, 0.1, atLeast, seed)).containsExactly(sample);
    }
  }

  @Test
  void eachTaskGetsTheLengthsOfItsOwnSamples() {
    // Five tasks with their own instructions and their own lengths, 1% sampled.
    Random random = new Random(8);
    int n = 20_000;
    int[] truth = new int[n];
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < n; i++) {
      int task = i % 5;
      int[] prompt = new int[40];
      Arrays.fill(prompt, 0, 30, task);
      for (int t = 30; t < 40; t++) {
        prompt[t] = random.nextInt(500);
      }
      truth[i] = 10 + task * 100 + random.nextInt(20);
      builder.add(prompt, task == 4 ? 300 : 1_000);
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    int[] sample = OutputLengthEstimator.sample(tree, 0.01, 50, 1);
    int[] observed = Arrays.stream(sample).map(i -> truth[i]).toArray();
    OutputLengths lengths = OutputLengthEstimator.estimate(tree, sample, observed);
    int[] means = lengths.means();
    for (int i = 0; i < n; i++) {
      double expected = i % 5 == 4 ? 300 : 19.5 + i % 5 * 100;
      if (Arrays.stream(sample).noneMatch(truthIndex(i))) {
        assertThat((double) means[i]).isCloseTo(expected, within(8.0));
        assertThat(lengths.quantile(i, 0)).isLessThanOrEqualTo(lengths.quantile(i, 0.5));
        assertThat(lengths.quantile(i, 1)).isBetween(means[i], (int) expected + 20);
        assertThat(lengths.samples(i)).isGreaterThanOrEqualTo(OutputLengthEstimator.RELATIVES);
      } else {
        assertThat(means[i]).isEqualTo(Math.min(truth[i], i % 5 == 4 ? 300 : 1_000));
      }
    }
  }

  private static java.util.function.IntPredicate truthIndex(int i) {
    return s -> s == i;
  }

  @Test
  void groupsWithNothingElseToSayTakeTheLengthsOfAll() {
    // Groups of one distribution with a long tail: a few relatives would miss it.
    for (int round = 0; round < 5; round++) {
      long seed = 1_350 + round;
      Random random = new Random(seed);
      RequestSet.Builder builder = RequestSet.builder();
      int n = 20_000;
      int[] truth = new int[n];
      for (int i = 0; i < n; i++) {
        builder.add(new int[] {i % 50, random.nextInt(1_000), random.nextInt(1_000)}, 10_000);
        truth[i] = (int) Math.min(10_000, 1 + Math.exp(5 + 1.2 * random.nextGaussian()));
      }
      PrefixTree tree = PrefixTree.build(builder.build());
      int[] sample = OutputLengthEstimator.sample(tree, 0.01, 16, seed);
      int[] observed = Arrays.stream(sample).map(i -> truth[i]).toArray();
      OutputLengths lengths = OutputLengthEstimator.estimate(tree, sample, observed);
      PrefixTree estimated = lengths.tree();
      double mean = Arrays.stream(truth).average().orElseThrow();
      double square = Arrays.stream(truth).mapToDouble(t -> (double) t * t).average().orElseThrow();
      double error = 0;
      double foreseen = 0;
      for (int i = 0; i < n; i++) {
        error += Math.abs(estimated.requests().estimatedOutputTokens(i) - mean) / n;
        foreseen += estimated.requests().meanSquareOutputTokens(i) / n;
      }
      assertThat(error).as("seed " + seed).isLessThan(0.4 * mean);
      assertThat(foreseen).as("seed " + seed).isBetween(0.4 * square, 2 * square);
    }
  }

  @Test
  void distributionsHaveTheMeansAndAreSharedByGroups() {
    for (int round = 0; round < 30; round++) {
      long seed = 1_380 + round;
      Random random = new Random(seed);
      RequestSet requests = RandomRequests.nested(random, 1 + random.nextInt(400));
      PrefixTree tree = PrefixTree.build(requests);
      int[] sample = OutputLengthEstimator.sample(tree, 0.3, 1, seed);
      int[] observed =
          Arrays.stream(sample).map(i -> 1 + random.nextInt(requests.maxOutputTokens(i))).toArray();
      RequestSet estimated =
          OutputLengthEstimator.estimate(tree, sample, observed).tree().requests();
      for (int i = 0; i < requests.size(); i++) {
        String label = "seed " + seed + " request " + i;
        OutputDistribution distribution = estimated.outputDistribution(i);
        double estimate = estimated.estimatedOutputTokens(i);
        if (Arrays.stream(sample).anyMatch(truthIndex(i))) {
          assertThat(distribution).as(label).isNull();
          assertThat(estimated.meanSquareOutputTokens(i)).as(label).isEqualTo(estimate * estimate);
        } else {
          int max = requests.maxOutputTokens(i);
          // Points are rounded, and parts of a few samples are of unequal number.
          assertThat(distribution.mean(max))
              .as(label)
              .isBetween(0.5 * estimate - 1, 1.5 * estimate + 1);
          assertThat(estimated.meanSquareOutputTokens(i))
              .as(label)
              .isGreaterThanOrEqualTo(Math.pow(distribution.mean(max), 2) * (1 - 1e-9));
        }
      }
    }
  }

  @Test
  void lengthsThatAreKnownAreNeitherDrawnNorEstimated() {
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < 200; i++) {
      if (i % 2 == 0) {
        builder.addKnownOutput(new int[] {i, i}, 5_000 + i);
      } else {
        builder.add(new int[] {i, i}, 100);
      }
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    int[] sample = OutputLengthEstimator.sample(tree, 0.2, 1, 3);
    assertThat(sample).hasSize(20);
    assertThat(Arrays.stream(sample)).allMatch(request -> request % 2 == 1);
    int[] observed = new int[sample.length];
    Arrays.fill(observed, 40);
    OutputLengths lengths = OutputLengthEstimator.estimate(tree, sample, observed);
    for (int i = 0; i < 200; i++) {
      int expected = i % 2 == 0 ? 5_000 + i : 40;
      assertThat(lengths.means()[i]).isEqualTo(expected);
      assertThat(lengths.quantile(i, 0.9)).isEqualTo(expected);
    }
  }

  @Test
  void withoutSamplesTheMaximumIsExpected() {
    RequestSet requests = RandomRequests.nested(new Random(1), 20);
    PrefixTree tree = PrefixTree.build(requests);
    OutputLengths lengths = OutputLengthEstimator.estimate(tree, new int[0], new int[0]);
    for (int i = 0; i < 20; i++) {
      assertThat(lengths.means()[i]).isEqualTo(requests.maxOutputTokens(i));
      assertThat(lengths.quantile(i, 0.5)).isEqualTo(requests.maxOutputTokens(i));
    }
  }
}
