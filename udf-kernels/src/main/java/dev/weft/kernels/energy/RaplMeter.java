package dev.weft.kernels.energy;

import dev.weft.kernels.energy.EnergyMeters.Opened;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * RAPL counters of Intel and AMD processors, as Linux shows them under {@code
 * /sys/class/powercap/intel-rapl:N}: microjoules of each package and, where there is one, of its
 * memory. Cores and the integrated GPU are parts of the package and a platform domain holds all of
 * them, so neither is counted. See the kernel's documentation of the power capping framework.
 */
final class RaplMeter implements EnergyMeter {
  private static final Logger LOG = LoggerFactory.getLogger(RaplMeter.class);
  private static final EnergySource SOURCE = new EnergySource("rapl", true);
  // Counters wrap after 65 kJ or more, which takes minutes; each wrap must be seen.
  private static final Duration SAMPLE_INTERVAL = Duration.ofSeconds(10);
  private static final int MAX_FILE_BYTES = 64;

  private final List<Domain> domains;
  private final Sampler sampler;

  private RaplMeter(List<Domain> domains) {
    this.domains = domains;
    this.sampler = new Sampler("weft-rapl", SAMPLE_INTERVAL, this::joules);
  }

  static Opened open(Path powercap) {
    if (!Files.isDirectory(powercap)) {
      return missing(
          "there is no " + powercap,
          "It needs Linux on the machine itself; in a container mount the folder, in a virtual"
              + " machine the host has to pass the counters on");
    }
    List<Domain> domains = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(powercap, "intel-rapl:*")) {
      for (Path folder : folders) {
        openDomain(folder, domains, problems);
      }
    } catch (IOException | DirectoryIteratorException e) {
      return missing(powercap + " cannot be listed: " + e.getMessage(), "Make it readable");
    }
    boolean hasPackage = domains.stream().anyMatch(d -> d.name.startsWith("package"));
    if (!hasPackage) {
      return problems.isEmpty()
          ? missing(
              powercap + " holds no package counter (intel-rapl:N)",
              "Load the kernel module intel_rapl_msr; virtual machines seldom have these counters")
          : missing(
              String.join(", ", problems),
              "Only root may read them: chmod a+r "
                  + powercap
                  + "/intel-rapl:*/energy_uj (a udev rule keeps it), or run as root");
    }
    domains.sort((a, b) -> a.name.compareTo(b.name));
    String names = domains.stream().map(d -> d.name).collect(Collectors.joining(", "));
    String unread = problems.isEmpty() ? "" : "; not read: " + String.join(", ", problems);
    return Opened.found(new RaplMeter(domains), names + unread);
  }

  private static Opened missing(String detail, String hint) {
    return Opened.missing(SOURCE.name(), detail, hint);
  }

  private static void openDomain(Path folder, List<Domain> domains, List<String> problems) {
    Path energy = folder.resolve("energy_uj");
    try {
      String name = read(folder.resolve("name"));
      if (name.startsWith("package") || name.equals("dram")) {
        long range = readLong(folder.resolve("max_energy_range_uj"));
        String label = name.equals("dram") ? "dram of " + folder.getFileName() : name;
        domains.add(new Domain(label, energy, range, readLong(energy)));
      }
    } catch (IOException e) {
      problems.add(energy + " cannot be read (" + e.getClass().getSimpleName() + ")");
    }
  }

  private static String read(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return new String(in.readNBytes(MAX_FILE_BYTES), StandardCharsets.US_ASCII).strip();
    }
  }

  private static long readLong(Path file) throws IOException {
    String text = read(file);
    try {
      long value = Long.parseLong(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a negative number.
    }
    throw new IOException(file + " holds no count of microjoules: " + text);
  }

  @Override
  public EnergySource source() {
    return SOURCE;
  }

  @Override
  public double joules() {
    double sum = 0;
    for (Domain domain : domains) {
      sum += domain.joules();
    }
    return sum;
  }

  @Override
  public void close() {
    sampler.close();
  }

  /** One counter. */
  private static final class Domain {
    private static final double MICROS = 1e6;

    private final String name;
    private final Path file;
    private final long range;
    private long last;
    private long microjoules;
    private boolean failing;

    Domain(String name, Path file, long range, long first) {
      this.name = name;
      this.file = file;
      this.range = range;
      this.last = first;
    }

    synchronized double joules() {
      try {
        long now = readLong(file);
        if (now >= last) {
          microjoules += now - last;
        } else if (!failing) {
          microjoules += Math.max(0, range - last) + now;
        }
        // Else it was away and has begun anew: what it counted meanwhile is not known.
        last = now;
        failing = false;
      } catch (IOException e) {
        if (!failing) {
          LOG.warn(
              "energy: the counter {} stands still, it cannot be read: {}", name, e.toString());
        }
        failing = true;
      }
      return microjoules / MICROS;
    }
  }
}
