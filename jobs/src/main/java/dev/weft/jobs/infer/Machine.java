package dev.weft.jobs.infer;

import dev.weft.kernels.backend.BackendProvider;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** The machine that this process runs on. */
public final class Machine {
  private Machine() {}

  /** Name of its processor, or at least of its architecture. */
  public static String cpu() {
    try {
      return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .min(Comparator.naturalOrder())
          .orElse(architecture());
    } catch (IOException e) {
      return architecture();
    }
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

  private static String architecture() {
    return ManagementFactory.getOperatingSystemMXBean().getArch();
  }
}
