package dev.weft.kernels.backend;

import static dev.weft.kernels.backend.RandomTensors.activations;
import static dev.weft.kernels.backend.RandomTensors.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Matrix products of every backend and format against float64.
 *
 * <p>Tolerance: K products summed one after the other in f32 differ from the exact sum by at most
 * about {@code K 2^-24 sum |w x|} (Higham 2002, section 3.1), plus what underflow loses. Where a
 * backend rounds activations, float64 computes with the rounded ones.
 */
class MatmulContractTest {
  private static final int[] ROWS = {1, 3, 16, 17, 64, 100, 129};
  private static final int[] BLOCKS = {1, 3, 4, 5, 13};
  private static final int[] ODD_COLUMNS = {1, 7, 33, 127, 129, 172};
  private static final short INFINITE = 0x7c00;
  private static final int[] TOKENS = {1, 2, 3, 4, 5, 7, 130};

  static List<Arguments> backendsAndFormats() {
    var cases = new ArrayList<Arguments>();
    for (var provider : TestedBackends.all()) {
      for (QuantFormat format : QuantFormat.values()) {
        cases.add(Arguments.of(provider.name(), format));
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("backendsAndFormats")
  void productsAreThoseOfFloat64(String name, QuantFormat format) {
    long seed = 7;
    System.out.println("seed " + seed);
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      var make = new RandomTensors(new Random(seed), arena);
      for (int rows : ROWS) {
        for (int columns : columnsOf(format)) {
          int tokens = TOKENS[make.random().nextInt(TOKENS.length)];
          check(backend, make, format, rows, columns, tokens, 1, 1);
        }
      }
      for (int tokens : TOKENS) {
        check(backend, make, format, 48, wholeBlocks(format, 160), tokens, 1, 1);
      }
      check(backend, make, format, 40, wholeBlocks(format, 96), 5, 1e4, 1e30);
      check(backend, make, format, 40, wholeBlocks(format, 96), 5, 1e-4, 1e-38);
      check(backend, make, format, 40, wholeBlocks(format, 96), 5, 1e-7, 1e-3);
    }
  }

  private static int[] columnsOf(QuantFormat format) {
    int block = format.blockElements();
    return block == 1
        ? ODD_COLUMNS
        : Arrays.stream(BLOCKS).map(blocks -> blocks * block).filter(c -> c <= 1024).toArray();
  }

  private static int wholeBlocks(QuantFormat format, int columns) {
    int block = format.blockElements();
    return (columns + block - 1) / block * block;
  }

  private static void check(
      Backend backend,
      RandomTensors make,
      QuantFormat format,
      int rows,
      int columns,
      int tokens,
      double weightSize,
      double inputSize) {
    Tensor first = make.matrix(format, rows, columns, weightSize);
    Tensor second = make.matrix(format, 5, columns, weightSize);
    float[][] x = new float[tokens][];
    for (int t = 0; t < tokens; t++) {
      x[t] = make.values(columns, inputSize);
    }
    try (Weights weights = backend.prepare(List.of(first, second))) {
      assertThat(weights.inputs()).isEqualTo(columns);
      assertThat(weights.firstColumn(1)).isEqualTo(Activations.padded(rows));
      Activations out = backend.allocate(tokens, weights.outputs());
      backend.matmul(weights, activations(backend, x), tokens, out);
      for (int t = 0; t < tokens; t++) {
        float[] y = row(out, t, weights.outputs());
        float[] input = weights.roundsActivations() ? rounded(x[t]) : x[t];
        compare(first, input, y, 0);
        compare(second, input, y, weights.firstColumn(1));
      }
    }
  }

  /** As {@link Weights#roundsActivations} says. */
  private static float[] rounded(float[] x) {
    float[] y = new float[x.length];
    for (int block = 0; block < x.length; block += 32) {
      float most = 0;
      for (int i = block; i < block + 32; i++) {
        most = Math.max(most, Math.abs(x[i]));
      }
      float scale = Math.max(most / 255, Float.MIN_NORMAL);
      for (int i = block; i < block + 32; i++) {
        y[i] = (float) Math.rint(x[i] / scale) * scale;
        assertThat(Math.abs(y[i] - x[i])).isLessThanOrEqualTo(scale * 0.5001f);
      }
    }
    return y;
  }

  private static void compare(Tensor matrix, float[] x, float[] y, int column) {
    float[] w = new float[matrix.columns()];
    for (int r = 0; r < matrix.rows(); r++) {
      matrix.decodeRow(r, w);
      double exact = 0;
      double size = 0;
      for (int i = 0; i < w.length; i++) {
        exact += (double) w[i] * x[i];
        size += Math.abs((double) w[i] * x[i]);
      }
      double tolerance = (w.length + 1) * 0x1p-24 * size + w.length * (double) Float.MIN_VALUE;
      if (!(Math.abs(y[column + r] - exact) <= tolerance)) {
        fail("%s row %d: %s is not %s within %s", matrix, r, y[column + r], exact, tolerance);
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("backendsAndFormats")
  void aRowHasTheSameBitsInAnyBatchAndOnAnyThreads(String name, QuantFormat format) {
    long seed = 11;
    System.out.println("seed " + seed);
    int columns = wholeBlocks(format, 416);
    int tokens = 133;
    try (Arena arena = Arena.ofShared()) {
      var make = new RandomTensors(new Random(seed), arena);
      List<Tensor> matrices =
          List.of(make.matrix(format, 150, columns, 1), make.matrix(format, 33, columns, 1));
      float[][] x = new float[tokens][];
      for (int t = 0; t < tokens; t++) {
        x[t] = make.values(columns, 1);
      }
      float[][] expected = new float[tokens][];
      for (int threads : new int[] {1, 2, 5}) {
        try (Backend backend = Backends.find(name).open(new BackendConfig(threads));
            Weights weights = backend.prepare(matrices)) {
          for (int batch : new int[] {tokens, 1, 2, 3, 6, 21}) {
            for (int from = 0; from < tokens; from += batch) {
              float[][] part = Arrays.copyOfRange(x, from, Math.min(tokens, from + batch));
              Activations out = backend.allocate(part.length, weights.outputs());
              backend.matmul(weights, activations(backend, part), part.length, out);
              for (int t = 0; t < part.length; t++) {
                float[] y = row(out, t, weights.outputs());
                if (expected[from + t] == null) {
                  expected[from + t] = y;
                }
                assertThat(Arrays.mismatch(y, expected[from + t]))
                    .as("token %d in batches of %d on %d threads", from + t, batch, threads)
                    .isEqualTo(-1);
              }
            }
          }
        }
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("backendsAndFormats")
  void valuesThatAreNotFiniteStayInTheirRow(String name, QuantFormat format) {
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(2))) {
      int columns = wholeBlocks(format, 96);
      var make = new RandomTensors(new Random(13), arena);
      float[][] x = {
        make.values(columns, 1),
        make.values(columns, 1),
        make.values(columns, 1),
        make.values(columns, 1)
      };
      x[1][5] = Float.NaN;
      x[3][90] = Float.POSITIVE_INFINITY;
      try (Weights weights = backend.prepare(List.of(make.matrix(format, 20, columns, 1)))) {
        Activations out = backend.allocate(4, weights.outputs());
        backend.matmul(weights, activations(backend, x), 4, out);
        for (int i = 0; i < 20; i++) {
          assertThat(row(out, 0, 20)[i]).isFinite();
          assertThat(row(out, 1, 20)[i]).isNaN();
          assertThat(row(out, 2, 20)[i]).isFinite();
          assertThat(Float.isFinite(row(out, 3, 20)[i])).isFalse();
        }
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("backendsAndFormats")
  void weightsThatAreNotFiniteGiveWhatTheirReferenceDecoderSays(String name, QuantFormat format) {
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(1))) {
      int columns = wholeBlocks(format, 96);
      var make = new RandomTensors(new Random(17), arena);
      Tensor matrix = make.matrix(format, 20, columns, 1);
      MemorySegment seventh = matrix.data().asSlice(7 * matrix.rowBytes());
      switch (format) {
        case F32 -> seventh.set(ValueLayout.JAVA_FLOAT, 0, Float.NEGATIVE_INFINITY);
        case BF16 -> seventh.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) 0x7f80);
        default -> seventh.set(ValueLayout.JAVA_SHORT_UNALIGNED, scaleAt(format), INFINITE);
      }
      try (Weights weights = backend.prepare(List.of(matrix))) {
        Activations out = backend.allocate(1, weights.outputs());
        backend.matmul(
            weights, activations(backend, new float[][] {make.values(columns, 1)}), 1, out);
        float[] y = row(out, 0, 20);
        for (int i = 0; i < 20; i++) {
          assertThat(Float.isFinite(y[i])).as("output " + i).isEqualTo(i != 7);
        }
      }
    }
  }

  /** Byte of a block's f16 scale, or of the first value. */
  private static long scaleAt(QuantFormat format) {
    return switch (format) {
      case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K -> 0;
      case Q2_K -> 80;
      case Q3_K -> 108;
      case Q6_K -> 208;
    };
  }
}
