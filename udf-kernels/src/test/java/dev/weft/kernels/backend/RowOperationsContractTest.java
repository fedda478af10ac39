package dev.weft.kernels.backend;

import static dev.weft.kernels.backend.RandomTensors.activations;
import static dev.weft.kernels.backend.RandomTensors.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Operations on rows of every backend against float64. Tolerances: a norm is a sum of squares,
 * which has no cancellation, so a few units of 2^-24 each for sum, root and two products; the
 * exponential of SwiGLU is good to 2^-21.
 */
class RowOperationsContractTest {
  private static final int[] WIDTHS = {1, 5, 16, 31, 64, 172, 576};

  static List<String> backends() {
    return TestedBackends.all().stream().map(BackendProvider::name).toList();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void rmsNorm(String name) {
    try (Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(3), null);
      for (int width : WIDTHS) {
        for (double size : new double[] {1, 1e-12, 1e15}) {
          float[][] x = new float[19][];
          Arrays.setAll(x, t -> make.values(width, size));
          float[] weight = Arrays.copyOf(make.values(width, 1), Activations.padded(width));
          Activations out = backend.allocate(19, width);
          backend.rmsNorm(activations(backend, x), 19, weight, 1e-5f, out);
          for (int t = 0; t < 19; t++) {
            double squares = 0;
            for (float v : x[t]) {
              squares += (double) v * v;
            }
            double scale = 1 / Math.sqrt(squares / width + 1e-5f);
            float[] y = row(out, t, width);
            for (int i = 0; i < width; i++) {
              double exact = x[t][i] * scale * weight[i];
              assertThat((double) y[i])
                  .isCloseTo(
                      exact, within(Math.abs(exact) * (width + 4) * 0x1p-24 + Float.MIN_VALUE));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void addAndGather(String name) {
    try (Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(4), null);
      for (int width : WIDTHS) {
        float[][] x = new float[11][];
        float[][] d = new float[11][];
        Arrays.setAll(x, t -> make.values(width, 1));
        Arrays.setAll(d, t -> make.values(width, 1));
        Activations sum = activations(backend, x);
        backend.add(sum, 11, activations(backend, d));
        Activations picked = backend.allocate(3, width);
        backend.gather(sum, new int[] {10, 0, 4}, 3, picked);
        for (int i = 0; i < width; i++) {
          assertThat(row(picked, 0, width)[i]).isEqualTo(x[10][i] + d[10][i]);
          assertThat(row(picked, 1, width)[i]).isEqualTo(x[0][i] + d[0][i]);
          assertThat(row(picked, 2, width)[i]).isEqualTo(x[4][i] + d[4][i]);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void addBiasAndAddScaled(String name) {
    try (Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(14), null);
      for (int width : WIDTHS) {
        float[][] x = new float[11][];
        float[][] d = new float[3][];
        Arrays.setAll(x, t -> make.values(width, 1));
        Arrays.setAll(d, t -> make.values(width, 1));
        float[] bias = Arrays.copyOf(make.values(width, 1), Activations.padded(width));
        float[] scales = {0.25f, 1e-3f, 0f};
        Activations sum = activations(backend, x);
        backend.addBias(sum, 11, bias);
        backend.addScaled(sum, new int[] {10, 0, 4}, 3, activations(backend, d), scales);
        int[] from = {1, -1, -1, -1, 2, -1, -1, -1, -1, -1, 0};
        for (int t = 0; t < 11; t++) {
          float[] y = row(sum, t, width);
          for (int i = 0; i < width; i++) {
            float biased = x[t][i] + bias[i];
            double exact = from[t] < 0 ? biased : biased + (double) scales[from[t]] * d[from[t]][i];
            assertThat(y[i]).isEqualTo((float) exact);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void normHeads(String name) {
    try (Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(15), null);
      for (int headDim : new int[] {1, 6, 16, 20, 128}) {
        int heads = 3;
        int column = 16;
        int width = column + heads * headDim + 5;
        float[][] x = new float[19][];
        Arrays.setAll(x, t -> make.values(width, 1));
        float[] weight = Arrays.copyOf(make.values(headDim, 1), Activations.padded(headDim));
        Activations out = activations(backend, x);
        backend.normHeads(out, 19, column, heads, headDim, weight, 1e-6f);
        for (int t = 0; t < 19; t++) {
          double[] exact = new double[width];
          for (int i = 0; i < width; i++) {
            exact[i] = x[t][i];
          }
          for (int h = 0; h < heads; h++) {
            int at = column + h * headDim;
            double squares = 0;
            for (int i = 0; i < headDim; i++) {
              squares += (double) x[t][at + i] * x[t][at + i];
            }
            for (int i = 0; i < headDim; i++) {
              exact[at + i] = x[t][at + i] / Math.sqrt(squares / headDim + 1e-6f) * weight[i];
            }
          }
          float[] y = row(out, t, width);
          for (int i = 0; i < width; i++) {
            double slack = Math.abs(exact[i]) * (headDim + 4) * 0x1p-24 + Float.MIN_VALUE;
            assertThat((double) y[i]).as("element %d", i).isCloseTo(exact[i], within(slack));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void swiGlu(String name) {
    float[] special = {
      0f,
      -0f,
      1e-40f,
      -1e-40f,
      88f,
      -88f,
      90f,
      -90f,
      200f,
      -200f,
      1e30f,
      -1e30f,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.MIN_VALUE
    };
    try (Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(5), null);
      for (int width : WIDTHS) {
        int up = Activations.padded(width);
        float[][] x = new float[9][up + width];
        for (int t = 0; t < 9; t++) {
          System.arraycopy(make.values(width, Math.pow(3, t - 4)), 0, x[t], 0, width);
          System.arraycopy(make.values(width, 1), 0, x[t], up, width);
          x[t][t % width] = special[(t + width) % special.length];
        }
        Activations out = backend.allocate(9, width);
        backend.swiGlu(activations(backend, x), 9, up, width, out);
        for (int t = 0; t < 9; t++) {
          float[] y = row(out, t, width);
          for (int i = 0; i < width; i++) {
            double gate = x[t][i];
            double exact = gate / (1 + Math.exp(-gate)) * x[t][up + i];
            if (Float.isInfinite((float) exact)) {
              assertThat(y[i]).isEqualTo((float) exact);
              continue;
            }
            assertThat((double) y[i])
                .as("gate %s", gate)
                .isCloseTo(exact, within(Math.abs(exact) * 0x1p-20 + 1e-35));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void notANumberStaysOneInItsOwnRow(String name) {
    try (Backend backend = Backends.find(name).open(new BackendConfig(1))) {
      float[][] x = {{1, 2, Float.NaN, 4}, {1, 2, 3, 4}};
      float[] weight = Arrays.copyOf(new float[] {1, 1, 1, 1}, 16);
      Activations out = backend.allocate(2, 4);
      backend.rmsNorm(activations(backend, x), 2, weight, 1e-5f, out);
      assertThat(row(out, 0, 4)[0]).isNaN();
      assertThat(row(out, 1, 4)[0]).isFinite();
      float[][] gates = {new float[20], new float[20]};
      gates[0][1] = Float.NaN;
      gates[0][17] = 1;
      backend.swiGlu(activations(backend, gates), 2, 16, 4, out);
      assertThat(row(out, 0, 4)[1]).isNaN();
      assertThat(row(out, 0, 4)[0]).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void embeddingRowsAreTheDecodedOnes(String name) {
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(6), arena);
      for (QuantFormat format : QuantFormat.values()) {
        int columns = 3 * format.blockElements();
        Tensor table = make.matrix(format, 40, columns, 1);
        int[] ids = new int[21];
        Arrays.setAll(ids, i -> make.random().nextInt(40));
        Activations out = backend.allocate(21, columns);
        backend.embed(table, ids, 21, out);
        float[] expected = new float[columns];
        for (int t = 0; t < 21; t++) {
          table.decodeRow(ids[t], expected);
          assertThat(row(out, t, columns)).containsExactly(expected);
        }
      }
    }
  }
}
