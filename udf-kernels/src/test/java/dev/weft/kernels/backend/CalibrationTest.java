package dev.weft.kernels.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CalibrationTest {
  /** A device compiles what is between two ends of work as a whole, the first time. */
  @Test
  void whatIsMeasuredHasRunBefore() {
    var spec = RandomTensors.spec(1, 64, 4, 2, 16, 96, 100);
    Map<String, Integer> runs = new HashMap<>();
    try (Arena arena = Arena.ofShared();
        Backend backend = Backends.find("vector").open(new BackendConfig(1))) {
      var matrix = new RandomTensors(new Random(2), arena).matrix(QuantFormat.F32, 96, 64, 1);
      Calibration.measure(noting(backend, runs), spec, matrix);
    }
    // Products, attention over pages of one's own and over shared ones, and products with
    // attention.
    assertThat(runs.keySet()).anyMatch(work -> work.matches("(matmul )+attention "));
    assertThat(runs.values())
        .filteredOn(times -> times >= Calibration.ROUNDS)
        .hasSizeGreaterThanOrEqualTo(3)
        .allMatch(times -> times > Calibration.ROUNDS);
  }

  /** Counts the measured work between ends by its operations. */
  private static Backend noting(Backend backend, Map<String, Integer> runs) {
    var operations = new StringBuilder();
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "matmul", "attention" -> operations.append(method.getName()).append(' ');
                case "finish" -> {
                  runs.merge(operations.toString(), 1, Integer::sum);
                  operations.setLength(0);
                }
                default -> {}
              }
              try {
                return method.invoke(backend, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
