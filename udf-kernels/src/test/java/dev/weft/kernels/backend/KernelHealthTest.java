package dev.weft.kernels.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is measured, and what is said about it; not how fast this machine is. */
class KernelHealthTest {
  static List<String> backends() {
    return TestedBackends.all().stream()
        .filter(BackendProvider::fasterThanPlainJava)
        .map(BackendProvider::name)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everyFormatAndBatchSizeIsMeasured(String name) {
    var spec = RandomTensors.spec(2, 64, 4, 2, 16, 96, 100);
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find(name).open(new BackendConfig(1));
        Transformer transformer =
            Transformer.open(
                spec,
                new RandomTensors(new Random(1), arena).model(spec, QuantFormat.Q8_0),
                backend,
                new KvConfig(2))) {
      KernelHealth health = transformer.warmUp();
      assertThat(health.rates()).extracting(KernelHealth.Rate::rows).containsExactly(1, 4, 32);
      assertThat(health.rates())
          .allSatisfy(
              rate -> {
                assertThat(rate.format()).isEqualTo(QuantFormat.Q8_0);
                assertThat(rate.multiplyAddsPerSecond()).isPositive();
                assertThat(rate.plainMultiplyAddsPerSecond()).isPositive();
              });
      // Code is compiled once for a process.
      KernelHealth again = transformer.warmUp();
      assertThat(again.rates()).isEqualTo(health.rates());
      assertThat(again.measuredNow()).isFalse();
    }
  }

  @Test
  void aKernelBelowAPlainLoopIsNamedWithTheFlagToPass() {
    var slow = new KernelHealth.Rate(QuantFormat.Q4_0, 4, 0.05e9, 1e9);
    var well = new KernelHealth.Rate(QuantFormat.F16, 1, 20e9, 1e9);
    assertThat(new KernelHealth(List.of(well), 1).warnings()).isEmpty();
    assertThat(new KernelHealth(List.of(well, slow), 1).warnings())
        .singleElement()
        .asString()
        .contains("Q4_0", "4 tokens", "0.05", "--add-modules=jdk.incubator.vector");
  }

  @Test
  void calibrationGivesRatesAndHowTheyWereMeasured() {
    var spec = RandomTensors.spec(1, 64, 4, 2, 16, 96, 100);
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find("vector").open(new BackendConfig(2))) {
      var matrix = new RandomTensors(new Random(2), arena).matrix(QuantFormat.Q8_0, 96, 64, 1);
      Calibration calibration = Calibration.measure(backend, spec, matrix);
      assertThat(calibration.flopsPerSecond()).isPositive();
      assertThat(calibration.bytesPerSecond()).isPositive();
      assertThat(calibration.overlap()).isBetween(0.0, 1.0);
      assertThat(calibration.sharedReadGroup()).isBetween(1, 64);
      assertThat(calibration.method()).contains("vector", "Q8_0", "sequences");
    }
  }
}
