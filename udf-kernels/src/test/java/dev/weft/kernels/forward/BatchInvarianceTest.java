package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.TestedBackends;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Promise 2 at the forward pass: the logits of a token do not depend on the schedule, bit by bit.
 */
class BatchInvarianceTest {
  private static final TransformerSpec SPEC = RandomTensors.spec(3, 96, 6, 2, 16, 160, 300);
  private static final List<QuantFormat> WIDTH_TEST_FORMATS =
      List.of(
          QuantFormat.F32, QuantFormat.F16, QuantFormat.BF16, QuantFormat.Q8_0, QuantFormat.Q4_0);
  private static final int SEQUENCES = 7;
  private static final int SHARED_PREFIX = 32;

  static List<String> backends() {
    return TestedBackends.all().stream().map(BackendProvider::name).toList();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void logitsHaveTheSameBitsInRandomSchedules(String name) {
    long seed = 42;
    System.out.println("seed " + seed);
    var random = new Random(seed);
    try (Arena arena = Arena.ofShared()) {
      ModelWeights weights = new RandomTensors(random, arena).model(SPEC, QuantFormat.Q8_0);
      int[] prefix = random.ints(SHARED_PREFIX, 0, SPEC.vocabSize()).toArray();
      int[][] sequences = new int[SEQUENCES][];
      for (int s = 0; s < SEQUENCES; s++) {
        sequences[s] = Arrays.copyOf(prefix, SHARED_PREFIX + 1 + random.nextInt(40));
        for (int t = SHARED_PREFIX; t < sequences[s].length; t++) {
          sequences[s][t] = random.nextInt(SPEC.vocabSize());
        }
      }
      float[][][] expected = null;
      for (int threads : new int[] {1, 2}) {
        try (Backend backend = Backends.find(name).open(new BackendConfig(threads))) {
          for (int round = 0; round < 6; round++) {
            try (var transformer = Transformer.open(SPEC, weights, backend, new KvConfig(64))) {
              float[][][] logits = run(transformer, sequences, round % 2 == 1, random);
              if (expected == null) {
                expected = logits;
              }
              for (int s = 0; s < SEQUENCES; s++) {
                for (int t = SHARED_PREFIX; t < sequences[s].length; t++) {
                  assertThat(Arrays.mismatch(logits[s][t], expected[s][t]))
                      .as("sequence %d token %d round %d", s, t, round)
                      .isEqualTo(-1);
                }
              }
            }
          }
        }
      }
    }
  }

  /**
   * Runs all sequences in random chunks and order.
   *
   * @param share whether the first sequence's pages of the prefix serve the others
   * @return logits by sequence and position
   */
  private static float[][][] run(
      Transformer transformer, int[][] sequences, boolean share, Random random) {
    float[][][] logits = new float[SEQUENCES][][];
    int[][] pages = new int[SEQUENCES][6];
    int[] done = new int[SEQUENCES];
    int next = 0;
    for (int s = 0; s < SEQUENCES; s++) {
      logits[s] = new float[sequences[s].length][];
      for (int p = 0; p < 6; p++) {
        pages[s][p] = share && s > 0 && p < SHARED_PREFIX / 16 ? pages[0][p] : next++;
      }
    }
    if (share) {
      while (done[0] < SHARED_PREFIX) {
        step(transformer, sequences, pages, done, logits, List.of(0), random);
      }
      Arrays.fill(done, 1, SEQUENCES, SHARED_PREFIX);
    }
    while (true) {
      var chosen = new ArrayList<Integer>();
      boolean left = false;
      for (int s = 0; s < SEQUENCES; s++) {
        boolean open = done[s] < sequences[s].length;
        left |= open;
        if (open && random.nextInt(3) > 0) {
          chosen.add(s);
        }
      }
      if (!left) {
        return logits;
      }
      Collections.shuffle(chosen, random);
      step(transformer, sequences, pages, done, logits, chosen, random);
    }
  }

  private static void step(
      Transformer transformer,
      int[][] sequences,
      int[][] pages,
      int[] done,
      float[][][] logits,
      List<Integer> chosen,
      Random random) {
    var batch = new StepBatch();
    var of = new ArrayList<int[]>();
    for (int s : chosen) {
      int left = sequences[s].length - done[s];
      int count = Math.min(left, random.nextBoolean() ? 1 : 1 + random.nextInt(30));
      batch.beginSequence(pages[s]);
      for (int i = 0; i < count; i++) {
        of.add(new int[] {s, done[s]});
        batch.addToken(sequences[s][done[s]], done[s]++, true);
      }
    }
    float[] out = new float[batch.logitsRows() * SPEC.vocabSize()];
    transformer.forward(batch, out);
    for (int r = 0; r < of.size(); r++) {
      logits[of.get(r)[0]][of.get(r)[1]] =
          Arrays.copyOfRange(out, r * SPEC.vocabSize(), (r + 1) * SPEC.vocabSize());
    }
  }

  /** The constant was seen with vectors of 128, 256 and 512 bits. */
  @Test
  void vectorResultsAreTheSameOnEveryVectorWidth() {
    var random = new Random(99);
    var crc = new CRC32();
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find("vector").open(new BackendConfig(2))) {
      for (QuantFormat format : WIDTH_TEST_FORMATS) {
        ModelWeights weights = new RandomTensors(random, arena).model(SPEC, format);
        try (var transformer = Transformer.open(SPEC, weights, backend, new KvConfig(4))) {
          var batch = new StepBatch();
          batch.beginSequence(new int[] {2, 0, 3, 1});
          for (int t = 0; t < 50; t++) {
            batch.addToken(random.nextInt(SPEC.vocabSize()), t, t % 10 == 9);
          }
          float[] logits = new float[5 * SPEC.vocabSize()];
          transformer.forward(batch, logits);
          for (float logit : logits) {
            int bits = Float.floatToIntBits(logit);
            crc.update(bits >>> 24);
            crc.update(bits >>> 16);
            crc.update(bits >>> 8);
            crc.update(bits);
          }
        }
      }
    }
    assertThat(Long.toHexString(crc.getValue())).isEqualTo("2b9b0e89");
  }
}
