package dev.weft.kernels.backend;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** The processor of this machine. */
public final class Cpu {
  private Cpu() {}

  /** Its model's name, or at least its architecture's. */
  public static String name() {
    String architecture = ManagementFactory.getOperatingSystemMXBean().getArch();
    try {
      return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .min(Comparator.naturalOrder())
          .orElse(architecture);
    } catch (IOException e) {
      return architecture;
    }
  }
}
