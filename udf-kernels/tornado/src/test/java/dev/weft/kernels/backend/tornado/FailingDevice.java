package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/** The first device of TornadoVM, whose launches fail when they are told to. */
public final class FailingDevice implements BackendProvider {
  private final IntFunction<RuntimeException> fault;
  private final AtomicInteger launches = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();

  /**
   * @param fault gets the number of each launch, from 1; null for none
   */
  public FailingDevice(IntFunction<RuntimeException> fault) {
    this.fault = fault;
  }

  /** Launches that failed. */
  public int failures() {
    return failures.get();
  }

  /** The name that errors must tell. */
  public static String deviceName() {
    return Devices.probe().device(0).getPhysicalDevice().getDeviceName().strip();
  }

  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public int priority() {
    return -1;
  }

  @Override
  public Availability availability() {
    return new TornadoProvider().availability();
  }

  @Override
  public boolean compilesAtFirstUse() {
    return true;
  }

  @Override
  public boolean fasterThanPlainJava() {
    return false;
  }

  @Override
  public Backend open(BackendConfig config) {
    return new TornadoBackend(
        Devices.probe().device(config.device()),
        (plan, graph) -> {
          RuntimeException thrown = fault.apply(launches.incrementAndGet());
          if (thrown != null) {
            failures.incrementAndGet();
            throw thrown;
          }
          return DevicePlan.Launcher.DIRECT.launch(plan, graph);
        });
  }
}
