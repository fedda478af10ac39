package dev.weft.kernels.backend.tornado;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/**
 * The devices that TornadoVM finds, looked for once in a process.
 *
 * @param gpus of all drivers
 * @param others CPUs that an OpenCL driver offers
 * @param problem empty, or why there is no device and how to get one
 */
record Devices(List<TornadoDevice> gpus, List<TornadoDevice> others, String problem) {
  private static Devices found;

  Devices {
    gpus = List.copyOf(gpus);
    others = List.copyOf(others);
  }

  boolean hasGpu() {
    return !gpus.isEmpty();
  }

  /**
   * The device of a number: the GPUs, or where there are none the other devices.
   *
   * @throws IllegalArgumentException if there is none of that number
   */
  TornadoDevice device(int number) {
    List<TornadoDevice> devices = hasGpu() ? gpus : others;
    if (number >= devices.size()) {
      throw new IllegalArgumentException(
          "TornadoVM has no device "
              + number
              + "; it found "
              + devices.size()
              + (problem.isEmpty() ? "" : ": " + problem));
    }
    return devices.get(number);
  }

  /** Names of the devices that {@link #device} takes, by their numbers. */
  List<String> names() {
    return (hasGpu() ? gpus : others)
        .stream()
            .map(
                d ->
                    "%s (%s, %s, %.0f GB)"
                        .formatted(
                            d.getPhysicalDevice().getDeviceName().strip(),
                            d.getDeviceType(),
                            d.getTornadoVMBackend(),
                            d.getMaxGlobalMemory() / 1e9))
            .toList();
  }

  static synchronized Devices probe() {
    if (found == null) {
      found = look();
    }
    return found;
  }

  private static Devices look() {
    if (System.getProperty("tornado.load.runtime.implementation") == null) {
      return none(
          "this process was not started with TornadoVM's options. Set TORNADOVM_HOME to its SDK and"
              + " start it with ./weft, or see docs/gpu.md for spark-submit");
    }
    if (!"false".equalsIgnoreCase(System.getProperty("tornado.recover.bailout"))) {
      return none(
          "it was started without -Dtornado.recover.bailout=False: a kernel that cannot be compiled"
              + " would run as plain Java, slowly and with wrong answers");
    }
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try {
      // Its first use looks for drivers with this loader, once for the life of the process.
      thread.setContextClassLoader(TornadoRuntime.class.getClassLoader());
      return list(TornadoRuntimeProvider.getTornadoRuntime());
    } catch (Throwable e) {
      // A driver without a device throws errors of class loading.
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      return none("TornadoVM cannot be started: " + cause);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static Devices list(TornadoRuntime runtime) {
    var gpus = new ArrayList<TornadoDevice>();
    var others = new ArrayList<TornadoDevice>();
    for (int b = 0; b < runtime.getNumBackends(); b++) {
      TornadoBackend backend = runtime.getBackend(b);
      for (TornadoDevice device : backend.getAllDevices()) {
        (device.getDeviceType() == TornadoDeviceType.GPU ? gpus : others).add(device);
      }
    }
    return new Devices(
        gpus,
        others,
        gpus.isEmpty() && others.isEmpty()
            ? "TornadoVM's driver found no device; is the GPU's own driver installed?"
            : "");
  }

  private static Devices none(String problem) {
    return new Devices(List.of(), List.of(), problem);
  }
}
