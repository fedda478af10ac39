package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Operations that take fewer launches together have the bits that they have apart. */
class FewerLaunchesTest {
  private static final int COLUMNS = 96;
  private static final int MOST_ROWS = 9;

  private static Arena arena;
  private static TornadoBackend backend;
  private final long seed = new Random().nextLong();
  private final RandomTensors make = new RandomTensors(new Random(seed), arena);

  @BeforeAll
  static void open() {
    arena = Arena.ofShared();
    backend = (TornadoBackend) new TornadoProvider().open(new BackendConfig(1));
  }

  @AfterAll
  static void close() {
    backend.close();
    arena.close();
  }

  private Activations random(int columns) {
    Activations x = backend.allocate(MOST_ROWS, columns);
    for (int row = 0; row < MOST_ROWS; row++) {
      x.write(row, make.values(columns, 1), 0, columns);
    }
    // What the host wrote goes to the device before an operation on it, not after a product.
    backend.add(x, MOST_ROWS, backend.allocate(MOST_ROWS, columns));
    return x;
  }

  private static float[] rows(Activations x, int rows, int from, int count) {
    float[] values = new float[rows * count];
    for (int row = 0; row < rows; row++) {
      float[] all = new float[from + count];
      x.read(row, all, 0, all.length);
      System.arraycopy(all, from, values, row * count, count);
    }
    return values;
  }

  private long kernelsOf(Runnable work) {
    backend.finish();
    long before = backend.kernelsRun();
    work.run();
    backend.finish();
    return backend.kernelsRun() - before;
  }

  private void requireBitsOfEach(int products, Tensor... matrices) {
    Activations x = random(COLUMNS);
    try (Weights together = backend.prepare(List.of(matrices))) {
      Activations all = backend.allocate(MOST_ROWS, together.outputs());
      for (int rows : new int[] {1, 2, 3, MOST_ROWS}) {
        assertThat(kernelsOf(() -> backend.matmul(together, x, rows, all)))
            .as("seed %d", seed)
            .isEqualTo(products);
        for (int m = 0; m < matrices.length; m++) {
          int outputs = matrices[m].rows();
          try (Weights alone = backend.prepare(List.of(matrices[m]))) {
            Activations one = backend.allocate(MOST_ROWS, alone.outputs());
            backend.matmul(alone, x, rows, one);
            assertThat(rows(all, rows, together.firstColumn(m), outputs))
                .as("matrix %d, %d rows, seed %d", m, rows, seed)
                .isEqualTo(rows(one, rows, 0, outputs));
          }
        }
      }
    }
  }

  @Test
  void matricesOfAFormatAreOneProduct() {
    for (QuantFormat format :
        List.of(
            QuantFormat.F32,
            QuantFormat.F16,
            QuantFormat.BF16,
            QuantFormat.Q8_0,
            QuantFormat.Q4_0)) {
      requireBitsOfEach(
          1,
          make.matrix(format, 64, COLUMNS, 1),
          make.matrix(format, 32, COLUMNS, 1),
          make.matrix(format, 40, COLUMNS, 1));
    }
  }

  @Test
  void gapsAndOtherFormatsAreProductsOfTheirOwn() {
    requireBitsOfEach(
        2,
        make.matrix(QuantFormat.Q8_0, 40, COLUMNS, 1),
        make.matrix(QuantFormat.Q8_0, 64, COLUMNS, 1));
    requireBitsOfEach(
        2,
        make.matrix(QuantFormat.Q8_0, 64, COLUMNS, 1),
        make.matrix(QuantFormat.Q8_0, 32, COLUMNS, 1),
        make.matrix(QuantFormat.F16, 32, COLUMNS, 1));
  }

  /** Also where its rows are no multiple of a tile. */
  @Test
  void aProductIsAddedWhereItIsComputed() {
    for (int width : new int[] {64, 40}) {
      Tensor matrix = make.matrix(QuantFormat.Q8_0, width, COLUMNS, 1);
      Activations in = random(COLUMNS);
      Activations x = random(width);
      Activations apart = random(width);
      try (Weights weights = backend.prepare(List.of(matrix))) {
        Activations delta = backend.allocate(MOST_ROWS, weights.outputs());
        for (int rows : new int[] {1, 3, MOST_ROWS}) {
          for (int row = 0; row < rows; row++) {
            float[] values = new float[width];
            x.read(row, values, 0, width);
            apart.write(row, values, 0, width);
          }
          backend.add(apart, rows, backend.allocate(MOST_ROWS, width));
          // Other rows than these stay as they are.
          float[] all = rows(x, MOST_ROWS, 0, width);
          assertThat(
                  kernelsOf(
                      () -> {
                        backend.matmul(weights, in, rows, delta);
                        backend.add(x, rows, delta);
                      }))
              .isEqualTo(1);
          float[] product = rows(delta, rows, 0, width);
          backend.matmul(weights, in, rows, delta);
          backend.finish();
          assertThat(kernelsOf(() -> backend.add(apart, rows, delta))).isEqualTo(1);
          String what = "%d rows of %d, seed %d".formatted(rows, width, seed);
          assertThat(rows(delta, rows, 0, width)).as(what).isEqualTo(product);
          assertThat(rows(x, rows, 0, width)).as(what).isEqualTo(rows(apart, rows, 0, width));
          assertThat(rows(x, MOST_ROWS, 0, width))
              .as(what)
              .endsWith(Arrays.copyOfRange(all, rows * width, all.length));
        }
      }
    }
  }

  /** What is added is not the product, or was changed since, or the product needs it as it was. */
  @Test
  void otherSumsAreComputedByThemselves() {
    Tensor matrix = make.matrix(QuantFormat.F16, COLUMNS, COLUMNS, 1);
    Activations in = random(COLUMNS);
    Activations x = random(COLUMNS);
    Activations other = random(COLUMNS);
    try (Weights weights = backend.prepare(List.of(matrix))) {
      Activations delta = backend.allocate(MOST_ROWS, COLUMNS);
      List<Runnable> sums =
          List.of(
              () -> backend.add(x, 3, other),
              () -> backend.add(x, 2, delta),
              () -> backend.add(in, 3, delta));
      for (Runnable sum : sums) {
        assertThat(
                kernelsOf(
                    () -> {
                      backend.matmul(weights, in, 3, delta);
                      sum.run();
                    }))
            .isEqualTo(2);
      }
      // The first sum is the product's, the second one its own.
      assertThat(
              kernelsOf(
                  () -> {
                    backend.matmul(weights, in, 3, delta);
                    backend.add(x, 3, delta);
                    backend.add(other, 3, delta);
                  }))
          .isEqualTo(2);
    }
  }
}
