package dev.weft.kernels.energy;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * What to meter and where to look.
 *
 * @param gpus indexes of the NVIDIA devices to count; null for all of the machine, empty for none
 * @param powercap the kernel's folder of power counters
 * @param nvmlLibraries names or paths of NVIDIA's management library, in order of preference
 * @param cpuPower the model of the estimate that stands in where no counter can be read
 */
public record EnergyConfig(
    List<Integer> gpus, Path powercap, List<String> nvmlLibraries, CpuPowerModel cpuPower) {
  public static final Path DEFAULT_POWERCAP = Path.of("/sys/class/powercap");
  public static final List<String> DEFAULT_NVML_LIBRARIES = List.of("libnvidia-ml.so.1");

  public EnergyConfig {
    gpus = gpus == null ? null : List.copyOf(gpus);
    Objects.requireNonNull(powercap, "powercap");
    nvmlLibraries = List.copyOf(nvmlLibraries);
    Objects.requireNonNull(cpuPower, "cpuPower");
  }

  /** The CPU and all GPUs of this machine. */
  public static EnergyConfig ofMachine() {
    return new EnergyConfig(
        null, DEFAULT_POWERCAP, DEFAULT_NVML_LIBRARIES, CpuPowerModel.ofMachine());
  }

  /** The CPU only, for backends that use nothing else. */
  public static EnergyConfig ofCpu() {
    return ofMachine().withGpus(List.of());
  }

  public EnergyConfig withGpus(List<Integer> newGpus) {
    return new EnergyConfig(newGpus, powercap, nvmlLibraries, cpuPower);
  }

  public EnergyConfig withPowercap(Path newPowercap) {
    return new EnergyConfig(gpus, newPowercap, nvmlLibraries, cpuPower);
  }

  public EnergyConfig withNvmlLibraries(List<String> newLibraries) {
    return new EnergyConfig(gpus, powercap, newLibraries, cpuPower);
  }

  public EnergyConfig withCpuPower(CpuPowerModel newModel) {
    return new EnergyConfig(gpus, powercap, nvmlLibraries, newModel);
  }
}
