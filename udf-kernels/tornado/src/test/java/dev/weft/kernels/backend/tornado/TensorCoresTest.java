package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/** Products on tensor cores; on devices of other drivers, that they are refused. */
class TensorCoresTest {
  private static boolean cuda() {
    return Devices.probe().device(0).getTornadoVMBackend() == TornadoVMBackendType.CUDA;
  }

  private static Backend open() {
    assumeTrue(cuda(), "tensor cores need TornadoVM's CUDA driver");
    return new TornadoProvider().open(new BackendConfig(1).withTensorCores(true));
  }

  @Test
  void otherDriversRefuseThem() {
    assumeTrue(!cuda(), "this device has TornadoVM's CUDA driver");
    assertThatThrownBy(() -> new TornadoProvider().open(new BackendConfig(1).withTensorCores(true)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("engine.tensorCores", "CUDA", FailingDevice.deviceName());
  }

  @Test
  void whatRoundingDoesNotExplainIsRefusedWithTheNumbers() {
    TensorCheck.requireClose("GPU", QuantFormat.F16, 1, 1.0019f, 4);
    TensorCheck.requireClose("GPU", QuantFormat.Q8_0, 1, 1.0039f, 4);
    for (float wrong : new float[] {1.005f, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> TensorCheck.requireClose("GPU", QuantFormat.Q8_0, 1, wrong, 4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("GPU", "Q8_0", "1.0", Float.toString(wrong), "0.00397");
    }
  }

  /** Small and large activations alike; outputs and tokens that fill no tile. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void onlyRoundingIsLost(QuantFormat format) {
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      for (int tokens : new int[] {11, 40, 150}) {
        var make = new RandomTensors(new Random(tokens), arena);
        Tensor matrix = make.matrix(format, 170, 256, 0.1);
        float[][] x = new float[tokens][];
        for (int t = 0; t < tokens; t++) {
          x[t] = make.values(256, Math.pow(10, 2 * (t % 11) - 10));
        }
        requireRounded(matrix, x, products(backend, matrix, x));
      }
    }
  }

  private static void requireRounded(Tensor matrix, float[][] x, float[][] y) {
    float[] w = new float[matrix.columns()];
    for (int r = 0; r < matrix.rows(); r++) {
      matrix.decodeRow(r, w);
      for (int t = 0; t < x.length; t++) {
        double exact = 0;
        double rounded = 0;
        double size = 0;
        double scale = power(x[t]);
        for (int i = 0; i < w.length; i++) {
          exact += (double) w[i] * x[t][i];
          rounded += half(w[i]) * (double) half((float) (x[t][i] * scale)) / scale;
          size += Math.abs((double) w[i] * x[t][i]);
        }
        assertThat((double) y[t][r]).isCloseTo(rounded, within(size * w.length * 0x1p-23));
        assertThat((double) y[t][r])
            .isCloseTo(exact, within(size * TensorCheck.bound(matrix.format())));
      }
    }
  }

  private static float half(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  /** The power of two that brings the greatest to between 8,192 and 16,384. */
  private static double power(float[] x) {
    double most = 0;
    for (float v : x) {
      most = Math.max(most, Math.abs(v));
    }
    return Math.scalb(1.0, 13 - Math.getExponent(most));
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "Q8_0", "Q4_0"})
  void aTokenHasTheSameBitsInAnyBatch(QuantFormat format) {
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      var make = new RandomTensors(new Random(12), arena);
      Tensor matrix = make.matrix(format, 33, 320, 1);
      float[][] x = new float[140][];
      for (int t = 0; t < x.length; t++) {
        x[t] = make.values(320, 1);
      }
      float[][] together = products(backend, matrix, x);
      for (int t = 0; t < x.length; t += 7) {
        assertThat(products(backend, matrix, new float[][] {x[t]})[0])
            .as("token %d", t)
            .containsExactly(together[t]);
      }
      float[][] some = products(backend, matrix, Arrays.copyOfRange(x, 20, 90));
      for (int t = 0; t < some.length; t++) {
        assertThat(some[t]).as("token %d", 20 + t).containsExactly(together[20 + t]);
      }
    }
  }

  /** What is not finite in a row stays in it. */
  @Test
  void aDamagedRowIsAloneWithIt() {
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      var make = new RandomTensors(new Random(13), arena);
      Tensor matrix = make.matrix(QuantFormat.Q8_0, 32, 64, 1);
      float[][] x = {make.values(64, 1), make.values(64, 1), make.values(64, 1)};
      float[][] sound = products(backend, matrix, x);
      x[0][3] = Float.NaN;
      x[2][5] = Float.POSITIVE_INFINITY;
      float[][] damaged = products(backend, matrix, x);
      assertThat(damaged[1]).containsExactly(sound[1]);
      for (int r = 0; r < 32; r++) {
        assertThat(damaged[0][r]).isNaN();
        assertThat(Float.isFinite(damaged[2][r])).isFalse();
      }
    }
  }

  /**
   * A norm finds the powers of its rows on its way; the host's copy of them is multiplied alike.
   */
  @ParameterizedTest
  @ValueSource(ints = {3, 70})
  void aProductOfANormNeedsAKernelLess(int rows) {
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      var make = new RandomTensors(new Random(16), arena);
      Tensor matrix = make.matrix(QuantFormat.Q8_0, 64, 96, 1);
      Activations x = backend.allocate(rows, 96);
      Activations normed = backend.allocate(rows, 96);
      Activations copied = backend.allocate(rows, 96);
      for (int t = 0; t < rows; t++) {
        x.write(t, make.values(96, Math.pow(10, t % 5)), 0, 96);
      }
      try (Weights weights = backend.prepare(List.of(matrix))) {
        Activations out = backend.allocate(rows, weights.outputs());
        Activations expected = backend.allocate(rows, weights.outputs());
        // Makes room.
        backend.matmul(weights, x, rows, out);
        backend.finish();
        var device = (TornadoBackend) backend;
        long before = device.kernelsRun();
        backend.rmsNorm(x, rows, make.values(96, 1), 1e-5f, normed);
        backend.matmul(weights, normed, rows, out);
        backend.finish();
        long after = device.kernelsRun();
        float[] row = new float[96];
        for (int t = 0; t < rows; t++) {
          normed.read(t, row, 0, 96);
          copied.write(t, row, 0, 96);
        }
        backend.matmul(weights, copied, rows, expected);
        backend.finish();
        assertThat(device.kernelsRun() - after).isEqualTo(after - before);
        float[] y = new float[64];
        float[] z = new float[64];
        for (int t = 0; t < rows; t++) {
          out.read(t, y, 0, 64);
          expected.read(t, z, 0, 64);
          assertThat(y).as("row %d", t).containsExactly(z);
        }
      }
    }
  }

  /**
   * Columns and outputs that fill no step and no tile; embeddings of a table that is laid out so.
   */
  @Test
  void tablesAreReadAsTheyLie() {
    assumeTrue(cuda(), "tensor cores need TornadoVM's CUDA driver");
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      var make = new RandomTensors(new Random(15), arena);
      for (QuantFormat format : List.of(QuantFormat.F16, QuantFormat.Q8_0, QuantFormat.Q4_0)) {
        int columns = format == QuantFormat.F16 ? 80 : 96;
        Tensor table = make.matrix(format, 45, columns, 1);
        int[] ids = {44, 0, 31, 32, 7};
        Activations out = backend.allocate(ids.length, columns);
        backend.embed(table, ids, ids.length, out);
        float[] expected = new float[columns];
        float[] found = new float[columns];
        for (int t = 0; t < ids.length; t++) {
          table.decodeRow(ids[t], expected);
          out.read(t, found, 0, columns);
          assertThat(found).as("%s row %d", format, ids[t]).containsExactly(expected);
        }
      }
    }
  }

  /** A bf16 can be larger than any f16. */
  @Test
  void weightsBeyondHalvesAreRefused() {
    int[] words = new int[16];
    try (Arena arena = Arena.ofShared()) {
      var data = arena.allocate(64);
      data.set(ValueLayout.JAVA_SHORT, 6, (short) (Float.floatToIntBits(1e5f) >> 16));
      var tensor = new Tensor("blk.0.ffn_up", QuantFormat.BF16, 1, 32, data);
      assertThatThrownBy(() -> DeviceFormat.WORDS_F16.pack(tensor, 0, words, new float[0]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("engine.tensorCores", "blk.0.ffn_up", "row 0", "65,504");
    }
  }

  @Test
  void weightsTellThatActivationsAreRounded() {
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      var make = new RandomTensors(new Random(14), arena);
      try (Weights half = backend.prepare(List.of(make.matrix(QuantFormat.Q8_0, 8, 32, 1)));
          Weights full = backend.prepare(List.of(make.matrix(QuantFormat.F32, 8, 32, 1)))) {
        assertThat(half.roundsToHalf()).isTrue();
        assertThat(full.roundsToHalf()).isFalse();
      }
    }
  }

  /** A run with them says so. */
  @Test
  void anEngineWarnsOfThem() throws Exception {
    assumeTrue(cuda(), "tensor cores need TornadoVM's CUDA driver");
    Path model =
        Path.of(System.getProperty("weft.project.root", "../.."))
            .resolve("datasets/demo/weft-demo.gguf");
    try (Engine engine =
        Engine.open(
            EngineConfig.builder(model)
                .backend("tornado")
                .tensorCores(true)
                .contextTokens(64)
                .budgetTokens(8)
                .maxSequences(2)
                .kvBudgetBytes(8 << 20)
                .build())) {
      assertThat(engine.info().warnings())
          .anyMatch(w -> w.contains("engine.tensorCores") && w.contains("rounded to f16"));
    }
  }

  private static float[][] products(Backend backend, Tensor matrix, float[][] x) {
    try (Weights weights = backend.prepare(List.of(matrix))) {
      Activations in = backend.allocate(x.length, x[0].length);
      Activations out = backend.allocate(x.length, weights.outputs());
      for (int t = 0; t < x.length; t++) {
        in.write(t, x[t], 0, x[t].length);
      }
      backend.matmul(weights, in, x.length, out);
      float[][] y = new float[x.length][matrix.rows()];
      for (int t = 0; t < x.length; t++) {
        out.read(t, y[t], 0, matrix.rows());
      }
      return y;
    }
  }
}
