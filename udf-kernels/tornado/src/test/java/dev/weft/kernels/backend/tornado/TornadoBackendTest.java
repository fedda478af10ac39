package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.memory.MemoryBudgetException;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;

/** What is of this backend alone: its memory. */
class TornadoBackendTest {
  private static Backend open() {
    return new TornadoProvider().open(new BackendConfig(1));
  }

  private static float[] row(Activations from, int row) {
    float[] values = new float[from.columns()];
    from.read(row, values, 0, values.length);
    return values;
  }

  /** What was measured on a device is kept by its name. */
  @Test
  void namesOfDevicesTellKindAndDriver() {
    assertThat(new TornadoProvider().devices())
        .isNotEmpty()
        .allMatch(
            name ->
                name.matches(".+ \\((GPU|CPU|FPGA|ACCELERATOR), (OPENCL|CUDA|PTX), \\d+ GB\\)"));
  }

  @Test
  void whatDoesNotFitIsRefusedWithTheNumbers() {
    long bytes = new TornadoProvider().memoryBytes(0).orElseThrow();
    // Twice the memory; of a large GPU, a layer's keys are still an array.
    int pages = (int) (bytes / 32 / (16 * 128) / 8);
    try (Backend backend = open()) {
      assertThatThrownBy(() -> backend.openKv(new KvLayout(64, 1, 128), new KvConfig(pages)))
          .isInstanceOf(MemoryBudgetException.class)
          .hasMessageContaining("MiB of memory")
          .hasMessageContaining("engine.kvBytes");
    }
  }

  @Test
  void activationsSurviveGrowth() {
    try (Backend backend = open()) {
      Activations first = backend.allocate(1, 64);
      Activations delta = backend.allocate(1, 64);
      float[] ones = new float[64];
      java.util.Arrays.fill(ones, 1);
      first.write(0, ones, 0, 64);
      delta.write(0, ones, 0, 64);
      backend.add(first, 1, delta);
      backend.finish();
      // More than the arena has: the plan is made anew.
      Activations large = backend.allocate(1 << 13, 1 << 10);
      backend.add(first, 1, delta);
      assertThat(row(first, 0)).containsOnly(3);
      assertThat(row(large, (1 << 13) - 1)).containsOnly(0);
    }
  }

  /** What an operation needs is put once, and the operation is asked for again. */
  @Test
  void whatTheHostPutOutlivesAFault() {
    var failing = new AtomicBoolean();
    var device =
        new FailingDevice(_ -> failing.get() ? new TornadoRuntimeException("for once") : null);
    try (Backend backend = device.open(new BackendConfig(1))) {
      Activations x = backend.allocate(1, 64);
      Activations out = backend.allocate(1, 64);
      float[] ones = new float[64];
      java.util.Arrays.fill(ones, 1);
      x.write(0, ones, 0, 64);
      float[] weight = new RandomTensors(new Random(3), Arena.ofAuto()).values(64, 1);
      backend.rmsNorm(x, 1, weight, 0, out);
      failing.set(true);
      assertThatThrownBy(backend::finish)
          .isInstanceOf(DeviceException.class)
          .hasMessageContainingAll(FailingDevice.deviceName(), "for once");
      failing.set(false);
      Activations zeros = backend.allocate(1, 64);
      backend.rmsNorm(x, 1, weight, 0, out);
      assertThat(row(out, 0)).containsExactly(weight);
      assertThat(row(zeros, 0)).containsOnly(0);
    }
  }

  /** The addresses of a closed model's weights are those of the next one, sometimes. */
  @Test
  void aTableIsThatOfTheModelThatIsOpen() {
    try (Backend backend = open()) {
      int[] ids = {3};
      for (int model = 0; model < 4; model++) {
        try (Arena arena = Arena.ofShared()) {
          Tensor table =
              new RandomTensors(new Random(model), arena).matrix(QuantFormat.F16, 40, 64, 1);
          float[] expected = new float[64];
          table.decodeRow(3, expected);
          Activations out = backend.allocate(1, 64);
          backend.embed(table, ids, 1, out);
          assertThat(row(out, 0)).as("model %d", model).containsExactly(expected);
        }
      }
    }
  }

  /** Weights come and go without the plan being made anew for each. */
  @Test
  void placesOfClosedWeightsAreUsedAgain() {
    try (Arena arena = Arena.ofShared();
        Backend backend = open()) {
      var make = new RandomTensors(new Random(5), arena);
      Activations in = backend.allocate(1, 96);
      float[] x = make.values(96, 1);
      for (int round = 0; round < 20; round++) {
        Tensor matrix = make.matrix(QuantFormat.Q8_0, 40, 96, 1);
        try (Weights weights = backend.prepare(List.of(matrix))) {
          Activations out = backend.allocate(1, weights.outputs());
          in.write(0, x, 0, 96);
          backend.matmul(weights, in, 1, out);
          float[] w = new float[96];
          matrix.decodeRow(7, w);
          double sum = 0;
          for (int i = 0; i < 96; i++) {
            sum += (double) w[i] * x[i];
          }
          assertThat((double) row(out, 0)[7])
              .isCloseTo(sum, org.assertj.core.api.Assertions.within(1e-3));
        }
      }
    }
  }
}
