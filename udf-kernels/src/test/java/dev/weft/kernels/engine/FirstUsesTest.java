package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.schedule.StepLimits;
import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.scalar.ScalarProvider;
import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeters;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An engine on a device that compiles at first use has used everything before its first request.
 */
class FirstUsesTest {
  @TempDir Path folder;

  /**
   * The scalar backend as such a device: it notes what it would have compiled, and made room for.
   */
  private static final class NotingProvider implements BackendProvider {
    private final Set<String> uses = ConcurrentHashMap.newKeySet();

    @Override
    public String name() {
      return "noting";
    }

    @Override
    public int priority() {
      return -1;
    }

    @Override
    public Availability availability() {
      return Availability.YES;
    }

    @Override
    public boolean fasterThanPlainJava() {
      return false;
    }

    @Override
    public boolean compilesAtFirstUse() {
      return true;
    }

    @Override
    public Backend open(BackendConfig config) {
      Backend scalar = new ScalarProvider().open(config);
      return (Backend)
          Proxy.newProxyInstance(
              Backend.class.getClassLoader(),
              new Class<?>[] {Backend.class},
              (proxy, method, arguments) -> {
                note(method.getName(), arguments);
                try {
                  return method.invoke(scalar, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }

    private void note(String method, Object[] arguments) {
      switch (method) {
        case "allocate" -> uses.add("room for " + arguments[0] + " x " + arguments[1]);
        case "matmul" -> uses.add("matmul of " + ((int) arguments[2] <= 2 ? "few" : "many"));
        case "ropeAndStore" ->
            uses.add("angles of " + ((RopeTable) arguments[2]).cos().length + " pairs");
        default -> uses.add(method);
      }
    }
  }

  @Test
  void nothingIsNewToTheDeviceAfterAnEngineIsOpen() throws Exception {
    for (StepLimits limits :
        List.of(new StepLimits(64, 16), new StepLimits(600, 4), new StepLimits(3, 8))) {
      var provider = new NotingProvider();
      EngineConfig config =
          EngineConfig.builder(TinyModel.write(folder))
              .threads(1)
              .kvBudgetBytes(2 << 20)
              .budgetTokens(limits.budgetTokens())
              .maxSequences(limits.maxSequences())
              .stepMetricsEvery(1)
              .build();
      try (Engine engine =
          BatchingEngine.open(config, EnergyMeters.detect(EnergyConfig.ofCpu()), provider)) {
        assertThat(engine.info().compilesAtFirstUse()).isTrue();
        assertThat(engine.info().warmUpSeconds()).isPositive();
        Set<String> before = Set.copyOf(provider.uses);
        StepProbe.measure(engine, limits, 0.2, 7);
        assertThat(provider.uses).as("%s", limits).isEqualTo(before);
      }
    }
  }
}
