package dev.weft.jobs.infer;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

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

  private static String architecture() {
    return ManagementFactory.getOperatingSystemMXBean().getArch();
  }
}
