package dev.weft.jobs.infer;

import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Cpu;
import java.util.List;

/** The machine that this process runs on. */
public final class Machine {
  private Machine() {}

  /** Name of its processor, or at least of its architecture. */
  public static String cpu() {
    return Cpu.name();
  }

  /**
   * Name of what a backend computes on: a device of its own, with its kind and driver as the
   * backend tells them, or the processor.
   */
  public static String device(BackendProvider provider, int number) {
    List<String> devices = provider.devices();
    if (devices.isEmpty()) {
      return cpu();
    }
    return number < devices.size()
        ? devices.get(number)
        : "device " + number + " of backend " + provider.name();
  }
}
