package dev.weft.jobs.doctor;

import dev.weft.jobs.report.Format;
import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeters;
import dev.weft.kernels.energy.EnergyProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What can compute, and what can be asked for joules. */
final class DeviceChecks {
  private static final Path NVIDIA = Path.of("/proc/driver/nvidia/gpus");
  private static final Path OPENCL = Path.of("/etc/OpenCL/vendors");

  private static final Pattern DRIVER = Pattern.compile("tornado-drivers-([a-z]+)-[0-9].*[.]jar");

  private DeviceChecks() {}

  static List<Finding> backends() {
    List<Finding> findings = new ArrayList<>();
    boolean chosen = false;
    for (BackendProvider provider : Backends.all()) {
      Availability availability = provider.availability();
      String name = "backend " + provider.name();
      if (!availability.available()) {
        findings.add(Finding.absent(name, "not available", availability.reason()));
        continue;
      }
      findings.add(health(provider, name, chosen ? "right" : "used by default, right"));
      chosen = true;
    }
    if (!chosen) {
      findings.add(
          Finding.broken(
              "backends", "no kernel backend is available", "The jar is damaged: build again."));
    }
    return findings;
  }

  private static Finding health(BackendProvider provider, String name, String right) {
    List<String> devices = provider.devices();
    String where = devices.isEmpty() ? "one thread" : devices.getFirst();
    KernelHealth health;
    try {
      health = KernelHealth.of(provider);
    } catch (RuntimeException | LinkageError e) {
      return Finding.warn(
          name,
          "fails on " + where + ": " + e,
          "Use another backend (--backend), and report this with `weft doctor --json`.");
    }
    if (!health.wrong().isEmpty()) {
      return Finding.broken(
          name,
          "wrong results with " + health.wrong(),
          "Use another backend (--backend), and report this with `weft doctor --json`.");
    }
    String found =
        "%s, a Q8_0 product on %s in a short try at %s"
            .formatted(right, where, Format.perSecond(health.flopsPerSecond(), "FLOP"));
    return Finding.ok(
        name, devices.size() < 2 ? found : found + "; all devices: " + String.join(", ", devices));
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
        "Not needed for the processor. For GPUs get TornadoVM 5.2.0-jdk25 (https://www.tornadovm.org/downloads), set TORNADOVM_HOME to its folder and start with ./weft: docs/gpu.md.";
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
    List<String> drivers =
        entries(Path.of(home, "share", "java", "tornado")).stream()
            .map(DRIVER::matcher)
            .filter(Matcher::matches)
            .map(m -> m.group(1))
            .filter(d -> !d.equals("common"))
            .toList();
    String found =
        "%s in %s, drivers: %s"
            .formatted(
                api.getFirst(), home, drivers.isEmpty() ? "none" : String.join(", ", drivers));
    return List.of(
        api.getFirst().contains("5.2.0-jdk25") && !drivers.isEmpty()
            ? Finding.ok("tornadovm", found)
            : Finding.warn("tornadovm", found, "Weft needs 5.2.0-jdk25 with a driver. " + get));
  }

  static List<Finding> energy() {
    List<Finding> findings = new ArrayList<>();
    for (EnergyProbe probe : EnergyMeters.probe(EnergyConfig.ofMachine())) {
      String name = "energy " + probe.source();
      findings.add(
          probe.available()
              ? Finding.ok(name, probe.detail())
              : Finding.absent(name, probe.detail(), probe.hint()));
    }
    return findings;
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
