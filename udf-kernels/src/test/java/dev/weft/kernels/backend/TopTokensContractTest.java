package dev.weft.kernels.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.quant.QuantFormat;
import dev.weft.kernels.sampling.LogitRows;
import dev.weft.kernels.sampling.RandomLogits;
import dev.weft.kernels.sampling.SamplingParams;
import dev.weft.kernels.sampling.TopTokens;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The most likely tokens of every backend are those of {@link TopTokens#find}, bit by bit. */
class TopTokensContractTest {
  /** About the edges of what a work group or a thread of a device may have. */
  private static final int[] VOCABULARIES = {
    1, 2, 63, 100, 128, 1023, 1024, 1025, 5000, 32_000, 131_073
  };

  static List<String> backends() {
    return TestedBackends.all().stream().map(BackendProvider::name).toList();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void areThoseOfTheHost(String name) {
    long seed = new Random().nextLong();
    System.out.println("TopTokensContractTest.areThoseOfTheHost " + name + " seed " + seed);
    var random = new Random(seed);
    try (Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      for (int vocabulary : VOCABULARIES) {
        for (int round = 0; round < (vocabulary > 10_000 ? 2 : 5); round++) {
          int rows = 1 + random.nextInt(12);
          // What lies beyond the vocabulary is nobody's.
          int beyond = random.nextBoolean() ? 0 : 1 + random.nextInt(40);
          float[][] logits = new float[rows][];
          for (int r = 0; r < rows; r++) {
            logits[r] = Arrays.copyOf(RandomLogits.any(random, vocabulary), vocabulary + beyond);
            Arrays.fill(logits[r], vocabulary, vocabulary + beyond, 1e9f);
          }
          var asked = new TopTokens();
          var expected = new TopTokens();
          for (int r = 0; r < rows; r++) {
            if (random.nextInt(4) > 0) {
              int most = Math.min(vocabulary, TopTokens.MOST);
              int count = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(most);
              asked.ask(r, count);
              expected.find(expected.ask(r, count), logits[r], 0, vocabulary);
            }
          }
          backend.findTop(RandomTensors.activations(backend, logits), vocabulary, asked);
          for (int place = 0; place < expected.asked(); place++) {
            for (int rank = 0; rank < expected.count(place); rank++) {
              String what =
                  "vocabulary %d round %d row %d rank %d"
                      .formatted(vocabulary, round, expected.row(place), rank);
              assertThat(asked.token(place, rank)).as(what).isEqualTo(expected.token(place, rank));
              assertThat(Float.floatToRawIntBits(asked.logit(place, rank)))
                  .as(what)
                  .isEqualTo(Float.floatToRawIntBits(expected.logit(place, rank)));
            }
          }
        }
      }
    }
  }

  /** Steps whose rows are wanted whole, in part and not at all. */
  @ParameterizedTest
  @MethodSource("backends")
  void aStepGivesTheSameRowsWholeOrInPart(String name) {
    // Wide enough that whole rows are copied one by one.
    int vocabulary = 4_200;
    var spec = RandomTensors.spec(2, 64, 4, 2, 16, 96, vocabulary);
    long seed = new Random().nextLong();
    System.out.println("TopTokensContractTest.aStepGivesTheSame... " + name + " seed " + seed);
    var random = new Random(seed);
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(2));
        Transformer transformer =
            Transformer.open(
                spec,
                new RandomTensors(random, arena).model(spec, QuantFormat.Q8_0),
                backend,
                new KvConfig(8))) {
      transformer.runSteps();
      var parts = new LogitRows(vocabulary);
      var batch = new StepBatch();
      for (int round = 0; round < 8; round++) {
        int tokens = 1 + random.nextInt(20);
        batch.clear();
        batch.beginSequence(new int[] {5, 3});
        int[] wantedOf = new int[tokens];
        boolean[] widenedOf = new boolean[tokens];
        int added = 0;
        for (int t = 0; t < tokens; t++) {
          int[] all = {0, 1, 40, 64, 65, SamplingParams.ALL_TOKENS};
          int wanted = all[random.nextInt(all.length)];
          // All tokens are within the widest span.
          double span = random.nextBoolean() ? SamplingParams.NO_SPAN : Double.MAX_VALUE;
          batch.addToken(random.nextInt(vocabulary), t, wanted, span);
          if (wanted > 0) {
            widenedOf[added] = span == Double.MAX_VALUE;
            wantedOf[added++] = wanted;
          }
        }
        float[] whole = new float[batch.logitsRows() * vocabulary];
        transformer.forward(batch, whole);
        transformer.forward(batch, parts);
        assertThat(parts.rows()).isEqualTo(batch.logitsRows());
        int place = 0;
        for (int row = 0; row < parts.rows(); row++) {
          int from = row * vocabulary;
          boolean asked = wantedOf[row] <= TopTokens.MOST;
          assertThat(parts.isWhole(row)).isEqualTo(!asked || widenedOf[row]);
          if (parts.isWhole(row)) {
            int begin = parts.begin(row);
            assertThat(
                    Arrays.mismatch(
                        parts.whole(), begin, begin + vocabulary, whole, from, from + vocabulary))
                .as("row %d of round %d", row, round)
                .isEqualTo(-1);
          } else {
            TopTokens top = parts.top();
            var expected = new TopTokens();
            expected.find(expected.ask(row, top.count(place)), whole, from, vocabulary);
            for (int rank = 0; rank < top.count(place); rank++) {
              assertThat(top.token(place, rank)).isEqualTo(expected.token(0, rank));
              assertThat(top.logit(place, rank)).isEqualTo(expected.logit(0, rank));
            }
          }
          place += asked ? 1 : 0;
        }
      }
    }
  }
}
