package dev.weft.jobs.doctor;

import com.sun.management.OperatingSystemMXBean;
import dev.weft.jobs.report.Format;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Processor, memory, storage and network. */
final class MachineChecks {
  private static final long LITTLE_MEMORY = 4L << 30;
  private static final long LITTLE_STORAGE = 2L << 30;

  private MachineChecks() {}

  static List<Finding> cores() {
    int cores = Runtime.getRuntime().availableProcessors();
    String found =
        Format.count(cores, "core")
            + " of "
            + ManagementFactory.getOperatingSystemMXBean().getArch();
    return List.of(
        cores > 1
            ? Finding.ok("cores", found)
            : Finding.warn(
                "cores",
                found,
                "Everything runs one after the other; two or more cores are better."));
  }

  static List<Finding> memory() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long total = system.getTotalMemorySize();
    String found =
        "%s, of it %s free; heap up to %s"
            .formatted(
                Format.bytes(total),
                Format.bytes(system.getFreeMemorySize()),
                Format.bytes(Runtime.getRuntime().maxMemory()));
    return List.of(
        total >= LITTLE_MEMORY
            ? Finding.ok("memory", found)
            : Finding.warn(
                "memory",
                found,
                "Enough for the demo; weights and KV cache of larger models do not fit."));
  }

  static List<Finding> storage() {
    return List.of(
        writable(
            "temp",
            Path.of(System.getProperty("java.io.tmpdir")),
            "Spark spills there: set SPARK_LOCAL_DIRS, or java.io.tmpdir, to a folder that can be written."),
        writable(
            "folder",
            Path.of("").toAbsolutePath(),
            "Start in a folder that can be written, or name one with --output."));
  }

  private static Finding writable(String name, Path folder, String fix) {
    try {
      Files.delete(Files.createTempFile(folder, ".weft-doctor", ""));
      long free = Files.getFileStore(folder).getUsableSpace();
      String found = "%s can be written, %s free".formatted(folder, Format.bytes(free));
      return free >= LITTLE_STORAGE
          ? Finding.ok(name, found)
          : Finding.warn(name, found, "A long run may fill it. " + fix);
    } catch (IOException e) {
      return Finding.broken(name, folder + " cannot be written: " + e.getMessage(), fix);
    }
  }

  static List<Finding> network(Map<String, String> environment) {
    if (environment.containsKey("SPARK_LOCAL_IP")) {
      return List.of(
          Finding.ok("network", "SPARK_LOCAL_IP = " + environment.get("SPARK_LOCAL_IP")));
    }
    try {
      return List.of(Finding.ok("network", "this host is " + InetAddress.getLocalHost()));
    } catch (UnknownHostException e) {
      return List.of(
          Finding.warn(
              "network",
              "the name of this host has no address",
              "Spark may not start on a cluster: set SPARK_LOCAL_IP to an address of this host. Local masters are not affected."));
    }
  }
}
