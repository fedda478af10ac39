package dev.weft.kernels.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenOrderTest {
  @Test
  void keysOrderByLogitThenByLowerId() {
    float[] logits = {
      -0f,
      0f,
      1f,
      -1f,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      1f,
      Float.MIN_VALUE,
      Float.NEGATIVE_INFINITY,
      -Float.MIN_VALUE
    };
    Integer[] byKey = IntStream.range(0, logits.length).boxed().toArray(Integer[]::new);
    Arrays.sort(byKey, Comparator.comparingLong(t -> -TokenOrder.key(logits[t], t)));
    assertThat(byKey).containsExactly(4, 2, 6, 7, 0, 1, 9, 3, 5, 8);
    for (int token = 0; token < logits.length; token++) {
      assertThat(TokenOrder.token(TokenOrder.key(logits[token], token))).isEqualTo(token);
    }
  }

  @Test
  void exponentialIsThatOfTheLibrary() {
    var random = new Random(5);
    double[] x = new double[100_003];
    for (int i = 0; i < x.length; i++) {
      x[i] = i < x.length / 2 ? -random.nextDouble() * 2 : -random.nextDouble() * 699;
    }
    x[0] = 0;
    x[1] = -701;
    x[2] = Double.NEGATIVE_INFINITY;
    x[3] = -0.0;
    double[] results = x.clone();
    Exponential.exp(results, new double[x.length], x.length);
    for (int i = 4; i < x.length; i++) {
      double exact = StrictMath.exp(x[i]);
      assertThat(Math.abs(results[i] - exact)).isLessThanOrEqualTo(2 * Math.ulp(exact));
    }
    assertThat(results[0]).isEqualTo(1);
    assertThat(results[1]).isLessThan(1e-300);
    assertThat(results[2]).isLessThan(1e-300);
    assertThat(results[3]).isEqualTo(1);
  }

  @Test
  void selectionsAgreeWithSorting() {
    long seed = new Random().nextLong();
    System.out.println("TokenOrderTest seed " + seed);
    var random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      int count = 1 + random.nextInt(round % 10 == 0 ? 3_000 : 60);
      int distinct = 1 + random.nextInt(count);
      boolean ordered = random.nextInt(4) == 0;
      long[] keys = new long[count];
      for (int i = 0; i < count; i++) {
        keys[i] = TokenOrder.key(ordered ? i : random.nextInt(distinct), i);
      }
      long[] sorted = Arrays.stream(keys).map(k -> -k).sorted().map(k -> -k).toArray();
      int rank = 1 + random.nextInt(count);
      assertThat(TokenOrder.largest(keys.clone(), count, rank)).isEqualTo(sorted[rank - 1]);

      // Weights are whole numbers, so that sums are exact in any order.
      double[] weights = Arrays.stream(keys).mapToDouble(k -> 1 + (k >>> 32) % 7).toArray();
      double target = random.nextDouble() * Arrays.stream(weights).sum() * 1.05;
      double sum = 0;
      int last = -1;
      while (last < count - 1 && (last < 0 || sum < target)) {
        sum += 1 + (sorted[++last] >>> 32) % 7;
      }
      assertThat(TokenOrder.nucleus(keys.clone(), weights, count, target))
          .as("round " + round)
          .isEqualTo(sorted[last]);
    }
  }
}
