package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps allocate nothing on the heap for a token, once their code is compiled. */
class ForwardAllocationTest {
  private static final TransformerSpec SPEC = RandomTensors.spec(3, 96, 6, 2, 16, 160, 300);
  private static final int SEQUENCES = 6;
  private static final int WINDOW_STEPS = 50;

  /** What the test itself, the compiler and the collector leave in a window of steps. */
  private static final long MOST_WINDOW_BYTES = 20_000;

  /** Vectors are objects until the code is compiled; how long that takes depends on the machine. */
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  @ParameterizedTest
  @ValueSource(strings = "vector")
  void aStepAllocatesNothingForItsTokens(String name) {
    var memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(2));
        Transformer transformer =
            Transformer.open(
                SPEC,
                new RandomTensors(new Random(1), arena).model(SPEC, QuantFormat.Q8_0),
                backend,
                new KvConfig(4 * SEQUENCES))) {
      var batch = new StepBatch();
      int[][] pages = new int[SEQUENCES][];
      for (int s = 0; s < SEQUENCES; s++) {
        pages[s] = new int[] {4 * s, 4 * s + 1, 4 * s + 2, 4 * s + 3};
      }
      float[] logits = new float[SEQUENCES * SPEC.vocabSize()];
      long least = Long.MAX_VALUE;
      long end = System.nanoTime() + PATIENCE_NANOS;
      while (least > MOST_WINDOW_BYTES && System.nanoTime() < end) {
        long before = memory.getTotalThreadAllocatedBytes();
        for (int position = 0; position < WINDOW_STEPS; position++) {
          batch.clear();
          for (int s = 0; s < SEQUENCES; s++) {
            batch.beginSequence(pages[s]);
            batch.addToken(s + position, position, true);
          }
          transformer.forward(batch, logits);
        }
        least = Math.min(least, memory.getTotalThreadAllocatedBytes() - before);
      }
      assertThat(least / (WINDOW_STEPS * SEQUENCES))
          .as("bytes for each of the tokens of %d steps, in the best of many", WINDOW_STEPS)
          .isLessThanOrEqualTo(MOST_WINDOW_BYTES / (WINDOW_STEPS * SEQUENCES));
    }
  }
}
