package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.RopeSpec;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import dev.weft.kernels.sampling.TopTokens;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/**
 * A few work groups that take everything one after the other compute the bits of many; on CUDA,
 * recorded launches those of others.
 */
class FixedGridTest {
  private static final int ROWS = 19;
  private static final int COLUMNS = 96;

  private final long seed = new Random().nextLong();

  /** The same values for each backend. */
  private RandomTensors make;

  private interface Work {
    /** What it computes. */
    List<float[]> on(TornadoBackend backend, Arena arena);
  }

  private static TornadoBackend open(Launching launching) {
    return new TornadoBackend(
        Devices.probe().device(0), DevicePlan.Launcher.DIRECT, launching, false);
  }

  private void requireSameBits(Work work) {
    List<float[]> expected = run(Launching.PLAIN, work);
    for (float[] values : expected) {
      for (float value : values) {
        // Else all could be wrong alike.
        assertThat(Float.isFinite(value)).as("%s, seed %d", value, seed).isTrue();
      }
    }
    requireBits(expected, new Launching(false, Grid.ofGroups(3), 64), work);
    var device = Devices.probe().device(0);
    if (device.getTornadoVMBackend() == TornadoVMBackendType.CUDA) {
      requireBits(expected, Launching.of(CudaGraphs.TRUE, device), work);
    }
  }

  private void requireBits(List<float[]> expected, Launching launching, Work work) {
    List<float[]> found = run(launching, work);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(found.get(i))
          .as("result %d, %s, seed %d", i, launching, seed)
          .isEqualTo(expected.get(i));
    }
  }

  private List<float[]> run(Launching launching, Work work) {
    try (Arena arena = Arena.ofShared();
        TornadoBackend backend = open(launching)) {
      make = new RandomTensors(new Random(seed), arena);
      return work.on(backend, arena);
    }
  }

  private Activations random(Backend backend, int columns) {
    float[][] rows = new float[ROWS][];
    Arrays.setAll(rows, _ -> make.values(columns, 1));
    return RandomTensors.activations(backend, rows);
  }

  private float[] padded(int count) {
    return Arrays.copyOf(make.values(count, 1), Activations.padded(count));
  }

  private static float[] all(Activations x) {
    float[] values = new float[x.rows() * x.columns()];
    for (int row = 0; row < x.rows(); row++) {
      x.read(row, values, row * x.columns(), x.columns());
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void products(QuantFormat format) {
    requireSameBits(
        (backend, _) -> {
          var results = new ArrayList<float[]>();
          Tensor matrix = make.matrix(format, 200, COLUMNS, 1);
          Activations x = random(backend, COLUMNS);
          Activations onto = random(backend, 200);
          try (Weights weights = backend.prepare(List.of(matrix))) {
            for (int rows : new int[] {1, 2, 3, ROWS}) {
              Activations out = backend.allocate(ROWS, weights.outputs());
              backend.matmul(weights, x, rows, out);
              backend.add(onto, rows, out);
              results.add(all(out));
            }
          }
          Activations table = backend.allocate(ROWS, COLUMNS);
          backend.embed(matrix, IntStream.range(3, 3 + ROWS).toArray(), ROWS, table);
          results.add(all(onto));
          results.add(all(table));
          return results;
        });
  }

  @Test
  void operationsOnRows() {
    requireSameBits(
        (backend, _) -> {
          Activations x = random(backend, COLUMNS);
          Activations other = random(backend, COLUMNS);
          Activations normed = backend.allocate(ROWS, COLUMNS);
          backend.rmsNorm(x, ROWS, padded(COLUMNS), 1e-5f, normed);
          backend.addBias(normed, ROWS, padded(COLUMNS));
          backend.normHeads(normed, ROWS, 16, 3, 20, padded(20), 1e-5f);
          backend.add(normed, ROWS, other);
          backend.addScaled(normed, new int[] {5, 2, 17}, 3, other, new float[] {0.3f, -2f, 1.7f});
          Activations few = backend.allocate(ROWS, COLUMNS);
          backend.gather(normed, new int[] {18, 0, 7, 7}, 4, few);
          Activations product = backend.allocate(ROWS, COLUMNS / 2);
          backend.swiGlu(normed, ROWS, COLUMNS / 2, COLUMNS / 2, product);
          return List.of(all(normed), all(few), all(product));
        });
  }

  @ParameterizedTest
  @EnumSource
  void attention(KvFormat format) {
    int heads = 6;
    int kvHeads = 2;
    int headDim = 20;
    int key = Activations.padded(heads * headDim);
    int value = key + Activations.padded(kvHeads * headDim);
    int width = value + Activations.padded(kvHeads * headDim);
    var rope = new RopeSpec(RopeSpec.Layout.HALVES, headDim, 10000f, new RopeSpec.Scaling.None());
    requireSameBits(
        (backend, _) -> {
          var results = new ArrayList<float[]>();
          try (KvCache kv =
              backend.openKv(new KvLayout(1, kvHeads, headDim, format), new KvConfig(40))) {
            for (int window : new int[] {0, 7}) {
              var shape = new AttentionShape(heads, kvHeads, headDim, 0, key, value, 0.2f);
              var turns = new RopeTable(rope);
              turns.cover(80);
              // All tokens of a sequence, then one of each of several that share its pages.
              var chunk = new RaggedTokens();
              chunk.beginSequence(new int[] {4, 7, 1, 9, 2});
              for (int t = 0; t < ROWS; t++) {
                chunk.addToken(t + 46);
              }
              var singles = new RaggedTokens();
              for (int s = 0; s < ROWS; s++) {
                singles.beginSequence(new int[] {4, 7, 1, 9, 10 + s});
                singles.addToken(64 + s % 10);
              }
              for (RaggedTokens tokens : List.of(chunk, singles)) {
                Activations qkv = random(backend, width);
                Activations out = backend.allocate(ROWS, heads * headDim);
                AttentionShape windowed = shape.withWindow(window);
                backend.ropeAndStore(qkv, windowed, turns, tokens, kv, 0);
                backend.attention(qkv, windowed, tokens, kv, 0, out);
                results.add(all(out));
              }
            }
          }
          return results;
        });
  }

  @Test
  void mostLikelyTokens() {
    requireSameBits(
        (backend, _) -> {
          var results = new ArrayList<float[]>();
          Activations logits = random(backend, 5000);
          var top = new TopTokens();
          for (int row = 0; row < ROWS; row += 2) {
            top.ask(row, 1 + row);
          }
          backend.findTop(logits, 4990, top);
          for (int place = 0; place < top.asked(); place++) {
            float[] found = new float[2 * top.count(place)];
            for (int rank = 0; rank < top.count(place); rank++) {
              found[2 * rank] = top.token(place, rank);
              found[2 * rank + 1] = top.logit(place, rank);
            }
            results.add(found);
          }
          return results;
        });
  }

  /** Four layers, which are one program. */
  @Test
  void modelsOfLongPrograms() {
    TransformerSpec spec = RandomTensors.spec(4, 64, 4, 2, 16, 96, 100);
    requireSameBits(
        (backend, _) -> {
          var results = new ArrayList<float[]>();
          ModelWeights weights = make.model(spec, QuantFormat.Q8_0);
          try (Transformer transformer =
              Transformer.open(spec, weights, backend, new KvConfig(16))) {
            int position = 0;
            for (int tokens : new int[] {7, 1, 1, 4, 1}) {
              var batch = new StepBatch();
              batch.beginSequence(IntStream.range(0, 4).toArray());
              for (int t = 0; t < tokens; t++) {
                batch.addToken(make.random().nextInt(100), position++, t == tokens - 1);
              }
              float[] logits = new float[100];
              long before = backend.kernelsRun();
              transformer.forward(batch, logits);
              results.add(logits);
              results.add(new float[] {backend.kernelsRun() - before});
            }
          }
          return results;
        });
  }

  @Test
  void otherDriversRefuseCudaGraphs() {
    assumeTrue(
        Devices.probe().device(0).getTornadoVMBackend() != TornadoVMBackendType.CUDA,
        "this device has TornadoVM's CUDA driver");
    assertThatThrownBy(
            () -> new TornadoProvider().open(new BackendConfig(1).withCudaGraphs(CudaGraphs.TRUE)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("engine.cudaGraphs", "CUDA", FailingDevice.deviceName());
  }
}
