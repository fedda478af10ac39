package dev.weft.jobs.doctor;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.BackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/** What can compute, and what can be asked for joules. */
final class DeviceChecks {
  private static final Path NVIDIA = Path.of("/proc/driver/nvidia/gpus");
  private static final Path OPENCL = Path.of("/etc/OpenCL/vendors");

  private DeviceChecks() {}

  static List<Finding> backends() {
    List<BackendProvider> providers =
        ServiceLoader.load(BackendProvider.class, DeviceChecks.class.getClassLoader()).stream()
            .map(ServiceLoader.Provider::get)
            .sorted(Comparator.comparingInt(BackendProvider::priority).reversed())
            .toList();
    List<Finding> findings = new ArrayList<>();
    boolean chosen = false;
    for (BackendProvider provider : providers) {
      Availability availability = provider.availability();
      String name = "backend " + provider.name();
      if (availability.available()) {
        findings.add(Finding.ok(name, chosen ? "available" : "available, used by default"));
        chosen = true;
      } else {
        findings.add(Finding.absent(name, "not available", availability.reason()));
      }
    }
    if (!chosen) {
      findings.add(
          Finding.broken(
              "backends", "no kernel backend is available", "The jar is damaged: build again."));
    }
    return findings;
  }

  static List<Finding> devices() {
    List<String> found = new ArrayList<>();
    entries(NVIDIA).forEach(gpu -> found.add("NVIDIA GPU " + gpu));
    entries(OPENCL).forEach(vendor -> found.add("OpenCL " + vendor));
    return List.of(
        found.isEmpty()
            ? Finding.absent(
                "devices",
                "no GPU and no OpenCL device",
                "Not needed: jobs run on the processor. A GPU needs its driver installed on every host.")
            : Finding.ok("devices", String.join(", ", found)));
  }

  static List<Finding> tornado(Map<String, String> environment) {
    String home = environment.getOrDefault("TORNADOVM_HOME", "");
    String get =
        "Not needed for the processor. For GPUs get TornadoVM 5.2.0-jdk25 (https://www.tornadovm.org/downloads) and set TORNADOVM_HOME to its folder.";
    if (home.isBlank()) {
      return List.of(Finding.absent("tornadovm", "TORNADOVM_HOME is not set", get));
    }
    List<String> api =
        entries(Path.of(home, "share", "java", "tornado")).stream()
            .filter(n -> n.startsWith("tornado-api"))
            .toList();
    if (api.isEmpty()) {
      return List.of(
          Finding.absent(
              "tornadovm",
              "TORNADOVM_HOME = " + home + " holds no share/java/tornado/tornado-api-*.jar",
              get));
    }
    return List.of(
        api.getFirst().contains("5.2.0-jdk25")
            ? Finding.ok("tornadovm", api.getFirst() + " in " + home)
            : Finding.warn(
                "tornadovm", api.getFirst() + " in " + home, "Only 5.2.0-jdk25 was tried."));
  }

  static List<Finding> energy() {
    return List.of();
  }

  private static List<String> entries(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
