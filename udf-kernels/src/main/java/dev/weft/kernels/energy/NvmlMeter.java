package dev.weft.kernels.energy;

import dev.weft.kernels.energy.EnergyMeters.Opened;
import dev.weft.kernels.energy.Nvml.NvmlException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * NVIDIA GPUs by NVML: each device's own counter of millijoules (Volta and later), else its power,
 * sampled and integrated.
 */
final class NvmlMeter implements EnergyMeter {
  private static final Logger LOG = LoggerFactory.getLogger(NvmlMeter.class);
  private static final EnergySource SOURCE = new EnergySource("nvml", true);
  private static final Duration POWER_INTERVAL = Duration.ofMillis(100);

  private final Nvml nvml;
  private final List<Device> devices;
  private final Sampler sampler;
  private boolean closed;

  private NvmlMeter(Nvml nvml, List<Device> devices) {
    this.nvml = nvml;
    this.devices = devices;
    boolean sampling = devices.stream().anyMatch(d -> !d.hasCounter);
    this.sampler = sampling ? new Sampler("weft-nvml", POWER_INTERVAL, this::joules) : null;
  }

  @SuppressWarnings("restricted")
  static Opened open(EnergyConfig config) {
    Map<String, String> failures = new TreeMap<>();
    for (String name : config.nvmlLibraries()) {
      try {
        return open(SymbolLookup.libraryLookup(name, Arena.global()), config.gpus());
      } catch (IllegalArgumentException e) {
        failures.put(name, "not found");
      } catch (IllegalCallerException e) {
        failures.put(name, "this JVM denies native access; add --enable-native-access=ALL-UNNAMED");
      }
    }
    return missing(
        failures.entrySet().stream()
            .map(e -> e.getKey() + ": " + e.getValue())
            .collect(Collectors.joining(", ")),
        "It comes with NVIDIA's driver; in a container use the NVIDIA runtime with the capability"
            + " 'utility'");
  }

  /** Opens the devices of a library; null means all of them. */
  static Opened open(SymbolLookup library, List<Integer> gpusOrNull) {
    Nvml nvml;
    try {
      nvml = new Nvml(library);
      nvml.init();
    } catch (NvmlException e) {
      return missing(e.getMessage(), "Check that nvidia-smi works; update the driver if not");
    }
    try {
      int count = nvml.deviceCount();
      List<Integer> gpus =
          gpusOrNull != null ? gpusOrNull : IntStream.range(0, count).boxed().toList();
      if (gpus.isEmpty()) {
        nvml.shutdown();
        return missing(
            gpusOrNull == null ? "the driver sees no GPU" : "no GPU is in use",
            "Check nvidia-smi -L and the devices given to this machine");
      }
      List<Device> devices = new ArrayList<>();
      for (int gpu : gpus) {
        devices.add(Device.open(nvml, gpu));
      }
      String names = devices.stream().map(Device::toString).collect(Collectors.joining(", "));
      return Opened.found(new NvmlMeter(nvml, devices), names);
    } catch (NvmlException e) {
      nvml.shutdown();
      return missing(e.getMessage(), "Check the GPU with nvidia-smi -q -d POWER");
    }
  }

  private static Opened missing(String detail, String hint) {
    return Opened.missing(SOURCE.name(), detail, hint);
  }

  @Override
  public EnergySource source() {
    return SOURCE;
  }

  @Override
  public synchronized double joules() {
    double sum = 0;
    for (Device device : devices) {
      if (!closed) {
        device.read(nvml);
      }
      sum += device.joules;
    }
    return sum;
  }

  @Override
  public void close() {
    if (sampler != null) {
      sampler.close();
    }
    synchronized (this) {
      if (!closed) {
        closed = true;
        nvml.shutdown();
      }
    }
  }

  /** One GPU; guarded by the meter's lock. */
  private static final class Device {
    private final String name;
    private final MemorySegment handle;
    private final boolean hasCounter;
    private double joules;
    private double lastCounter;
    private double lastWatts;
    private long lastNanos;
    private boolean failing;

    private Device(String name, MemorySegment handle, boolean hasCounter) {
      this.name = name;
      this.handle = handle;
      this.hasCounter = hasCounter;
    }

    static Device open(Nvml nvml, int index) throws NvmlException {
      MemorySegment handle = nvml.device(index);
      String name = index + ": " + nvml.name(handle);
      Device device;
      try {
        double counter = nvml.totalEnergyJoules(handle);
        device = new Device(name, handle, true);
        device.lastCounter = counter;
      } catch (NvmlException e) {
        if (e.code() != Nvml.NOT_SUPPORTED) {
          throw e;
        }
        double watts = nvml.powerWatts(handle);
        device = new Device(name, handle, false);
        device.lastWatts = watts;
      }
      device.lastNanos = System.nanoTime();
      return device;
    }

    void read(Nvml nvml) {
      try {
        if (hasCounter) {
          double counter = nvml.totalEnergyJoules(handle);
          // The counter starts again when the driver does.
          joules += counter >= lastCounter ? counter - lastCounter : counter;
          lastCounter = counter;
        } else {
          double watts = nvml.powerWatts(handle);
          long now = System.nanoTime();
          joules += (watts + lastWatts) / 2 * (now - lastNanos) / 1e9;
          lastWatts = watts;
          lastNanos = now;
        }
        failing = false;
      } catch (NvmlException e) {
        if (!failing) {
          LOG.warn("energy: GPU {} stands still, it cannot be read: {}", name, e.getMessage());
        }
        failing = true;
      }
    }

    @Override
    public String toString() {
      return name + (hasCounter ? "" : " (no energy counter: power sampled)");
    }
  }
}
