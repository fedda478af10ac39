package dev.weft.kernels.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TopTokensTest {
  private static final int[] NO_TOKENS = {};

  /** NaN, then the larger logit, then the lower token. */
  private static Integer[] sorted(float[] logits) {
    Comparator<Integer> order =
        (a, b) -> {
          boolean aNan = Float.isNaN(logits[a]);
          boolean bNan = Float.isNaN(logits[b]);
          if (aNan || bNan) {
            return aNan && bNan ? 0 : aNan ? -1 : 1;
          }
          return logits[a] > logits[b] ? -1 : logits[a] < logits[b] ? 1 : 0;
        };
    Integer[] tokens = IntStream.range(0, logits.length).boxed().toArray(Integer[]::new);
    Arrays.sort(tokens, order);
    return tokens;
  }

  @Test
  void areThoseThatSortingPutsFirst() {
    long seed = new Random().nextLong();
    System.out.println("TopTokensTest.areThoseThatSortingPutsFirst seed " + seed);
    var random = new Random(seed);
    for (int round = 0; round < 3_000; round++) {
      int vocabulary = 1 + random.nextInt(round % 10 == 0 ? 2_000 : 90);
      float[] logits = RandomLogits.any(random, vocabulary);
      int count = 1 + random.nextInt(Math.min(vocabulary, TopTokens.MOST));
      var top = new TopTokens();
      assertThat(top.ask(7, count)).isZero();
      float[] rows = new float[5 + vocabulary];
      System.arraycopy(logits, 0, rows, 5, vocabulary);
      top.find(0, rows, 5, vocabulary);
      Integer[] tokens = sorted(logits);
      for (int rank = 0; rank < count; rank++) {
        assertThat(top.token(0, rank)).as("round %d rank %d", round, rank).isEqualTo(tokens[rank]);
        assertThat(Float.floatToRawIntBits(top.logit(0, rank)))
            .isEqualTo(Float.floatToRawIntBits(logits[tokens[rank]]));
      }
    }
  }

  /** Whatever the row and the parameters, the answer is that of the whole row. */
  @Test
  void aDrawFromThemIsThatFromTheWholeRow() {
    long seed = new Random().nextLong();
    System.out.println("TopTokensTest.aDrawFromThemIsThatFromTheWholeRow seed " + seed);
    var random = new Random(seed);
    int few = 0;
    int undrawable = 0;
    int byMinP = 0;
    for (int round = 0; round < 20_000; round++) {
      int vocabulary = 1 + random.nextInt(round % 10 == 0 ? 1_000 : 100);
      float[] logits = RandomLogits.any(random, vocabulary);
      SamplingParams params = params(random);
      int extra = random.nextInt(3) == 0 ? random.nextInt(9) : 0;
      var rows = new LogitRows(vocabulary);
      boolean spans = params.span() != SamplingParams.NO_SPAN;
      rows.add(
          (int)
              Math.min(
                  SamplingParams.ALL_TOKENS, (long) params.tokensNeeded() + (spans ? 0 : extra)),
          params.span());
      if (rows.isWhole(0)) {
        assertThat(params.penalized() || !params.greedy()).isTrue();
        continue;
      }
      few++;
      rows.top().find(0, logits, 0, vocabulary);
      rows.widen();
      if (rows.isWhole(0)) {
        assertThat(spans).isTrue();
        continue;
      }
      byMinP += spans && vocabulary > TopTokens.MOST ? 1 : 0;
      var whole = new Sampler(vocabulary, 5);
      var part = new Sampler(vocabulary, 5);
      boolean drawable = whole.load(logits, 0);
      String what = "seed %d round %d %s".formatted(seed, round, params);
      assertThat(rows.load(0, part)).as(what).isEqualTo(drawable);
      if (!drawable) {
        undrawable++;
        continue;
      }
      for (int i = 0; i < 5; i++) {
        double uniform = i == 0 ? 0 : i == 1 ? Math.nextDown(1.0) : random.nextDouble();
        int token = whole.draw(params, NO_TOKENS, 0, 0, uniform);
        assertThat(part.draw(params, NO_TOKENS, 0, 0, uniform)).as(what).isEqualTo(token);
        if (!params.greedy()) {
          assertThat(part.candidates()).as(what).isEqualTo(whole.candidates());
        }
      }
    }
    assertThat(few).isGreaterThan(5_000);
    assertThat(undrawable).isGreaterThan(500);
    assertThat(byMinP).isGreaterThan(100);
  }

  private static SamplingParams params(Random random) {
    boolean penalized = random.nextInt(10) == 0;
    float[] heats = {0, 0, 1, 0.01f, 1e-30f, 100, 0.5f + random.nextFloat()};
    return new SamplingParams(
        penalized ? 1.1f : 1,
        0,
        penalized ? 0.5f : 0,
        heats[random.nextInt(heats.length)],
        random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(random.nextBoolean() ? 8 : 80),
        random.nextBoolean() ? 1 : random.nextFloat() * 0.999f + 1e-4f,
        random.nextBoolean() ? 0 : random.nextFloat());
  }

  @Test
  void tokensNeededAreAllWhereUnlikelyOnesCount() {
    assertThat(SamplingParams.GREEDY.tokensNeeded()).isEqualTo(1);
    assertThat(new SamplingParams(1, 0, 0, 0, 40, 0.5f, 0.1f).tokensNeeded()).isEqualTo(1);
    assertThat(new SamplingParams(1, 0, 0, 1, 40, 0.5f, 0.1f).tokensNeeded()).isEqualTo(40);
    int all = SamplingParams.ALL_TOKENS;
    assertThat(new SamplingParams(1, 0, 0, 1, 0, 0.5f, 0).tokensNeeded()).isEqualTo(all);
    assertThat(new SamplingParams(1, 0, 0, 1, 0, 0.5f, 0.1f).tokensNeeded()).isEqualTo(all);
    assertThat(new SamplingParams(1.1f, 0, 0, 1, 0, 1, 0.1f).tokensNeeded()).isEqualTo(all);
    assertThat(new SamplingParams(1, 0, 0, 1, 0, 1, 0.1f).tokensNeeded()).isEqualTo(64);
    assertThat(new SamplingParams(1, 0, 0, 1, 90, 1, 0.1f).tokensNeeded()).isEqualTo(64);
    assertThat(new SamplingParams(1, 0, 0, 1, 90, 1, 0).tokensNeeded()).isEqualTo(90);
    assertThat(new SamplingParams(1.1f, 0, 0, 0, 1, 1, 0).tokensNeeded()).isEqualTo(all);
    assertThat(new SamplingParams(1, 0.1f, 0, 1, 1, 1, 0).tokensNeeded()).isEqualTo(all);
    assertThat(new SamplingParams(1, 0, 0.1f, 1, 1, 1, 0).tokensNeeded()).isEqualTo(all);
  }

  /** Rows whose tokens are as likely as min-p asks for, just not, or just so. */
  @Test
  void minPTakesWholeRowsOnlyWhereMoreTokensCount() {
    long seed = new Random().nextLong();
    System.out.println("TopTokensTest.minPTakesWholeRowsOnlyWhereMoreTokensCount seed " + seed);
    var random = new Random(seed);
    int vocabulary = 300;
    int kept = 0;
    for (int round = 0; round < 5_000; round++) {
      float temperature = random.nextBoolean() ? 1 : 0.1f + 3 * random.nextFloat();
      float minP = random.nextInt(9) == 0 ? 1 : (float) Math.exp(-9 * random.nextFloat());
      var params = new SamplingParams(1, 0, 0, temperature, 0, 1, minP);
      float edge = (float) (temperature * Math.log(minP));
      float[] logits = new float[vocabulary];
      int near = 1 + random.nextInt(2 * TopTokens.MOST);
      for (int token = 0; token < vocabulary; token++) {
        int ulps = random.nextInt(7) - 3;
        logits[token] =
            token < near ? edge + ulps * Math.ulp(edge) : edge - 0.01f - 20 * random.nextFloat();
      }
      logits[random.nextInt(vocabulary)] = 0;
      var rows = new LogitRows(vocabulary);
      rows.add(params.tokensNeeded(), params.span());
      rows.top().find(0, logits, 0, vocabulary);
      rows.widen();
      var whole = new Sampler(vocabulary, 1);
      whole.load(logits, 0);
      String what = "seed %d round %d %s".formatted(seed, round, params);
      double uniform = random.nextDouble();
      int token = whole.draw(params, NO_TOKENS, 0, 0, uniform);
      if (rows.isWhole(0)) {
        assertThat(near).as(what).isGreaterThanOrEqualTo(TopTokens.MOST - 1);
        continue;
      }
      kept++;
      var part = new Sampler(vocabulary, 1);
      rows.load(0, part);
      assertThat(part.draw(params, NO_TOKENS, 0, 0, uniform)).as(what).isEqualTo(token);
      assertThat(part.candidates()).as(what).isEqualTo(whole.candidates());
    }
    assertThat(kept).isBetween(1_000, 4_900);
  }

  @Test
  void aSamplerDoesNotGuessWhatItWasNotGiven() {
    var top = new TopTokens();
    top.ask(0, 2);
    top.find(0, new float[] {1, 2, 3}, 0, 3);
    var sampler = new Sampler(3, 1);
    assertThat(sampler.load(top, 0)).isTrue();
    assertThat(sampler.draw(SamplingParams.GREEDY, NO_TOKENS, 0, 0, 0)).isEqualTo(2);
    var three = new SamplingParams(1, 0, 0, 1, 3, 1, 0);
    assertThatThrownBy(() -> sampler.draw(three, NO_TOKENS, 0, 0, 0))
        .isInstanceOf(IllegalStateException.class);
    var likely = new SamplingParams(1, 0, 0, 1, 0, 1, 0.5f);
    top.clear();
    top.ask(0, TopTokens.MOST);
    top.find(0, new float[100], 0, 100);
    var large = new Sampler(100, 1);
    assertThat(large.load(top, 0)).isTrue();
    assertThatThrownBy(() -> large.draw(likely, NO_TOKENS, 0, 0, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("less likely ones count");
    assertThatThrownBy(() -> sampler.logProbability(2)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> sampler.top(new int[1], 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> top.ask(1, TopTokens.MOST + 1)).hasMessageContaining("1 to 64");
    assertThatThrownBy(() -> top.ask(1, 0)).hasMessageContaining("1 to 64");
  }

  @Test
  void rowsOfBothKindsCanBeCollected() {
    int vocabulary = 100;
    var random = new Random(8);
    var all = new LogitRows(vocabulary);
    var expected = new float[40][];
    for (int row = 0; row < 40; row++) {
      expected[row] = RandomLogits.drawable(random, vocabulary);
      var one = new LogitRows(vocabulary);
      one.add(row % 3 == 0 ? SamplingParams.ALL_TOKENS : 1 + row);
      if (one.isWhole(0)) {
        System.arraycopy(expected[row], 0, one.whole(), one.begin(0), vocabulary);
      } else {
        one.top().find(0, expected[row], 0, vocabulary);
      }
      all.addAll(one);
    }
    assertThat(all.rows()).isEqualTo(40);
    var sampler = new Sampler(vocabulary, 1);
    var reference = new Sampler(vocabulary, 1);
    for (int row = 0; row < 40; row++) {
      assertThat(all.isWhole(row)).isEqualTo(row % 3 == 0);
      assertThat(all.load(row, sampler)).isTrue();
      reference.load(expected[row], 0);
      assertThat(sampler.draw(SamplingParams.GREEDY, NO_TOKENS, 0, 0, 0))
          .isEqualTo(reference.draw(SamplingParams.GREEDY, NO_TOKENS, 0, 0, 0));
    }
    all.clear();
    assertThat(all.rows()).isZero();
    assertThat(all.top().asked()).isZero();
    assertThat(all.top().most()).isZero();
  }
}
