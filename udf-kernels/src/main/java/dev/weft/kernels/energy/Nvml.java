package dev.weft.kernels.energy;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * The few functions of NVIDIA's management library (nvml.h) that meter energy. Failed calls throw
 * {@link NvmlException}.
 */
@SuppressWarnings("restricted") // Native calls are this class's purpose.
final class Nvml {
  private static final int SUCCESS = 0;
  static final int NOT_SUPPORTED = 3;
  private static final int NAME_BYTES = 96;
  private static final AddressLayout STRING =
      ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(4096, ValueLayout.JAVA_BYTE));

  private final MethodHandle init;
  private final MethodHandle shutdown;
  private final MethodHandle count;
  private final MethodHandle handle;
  private final MethodHandle name;
  private final MethodHandle energy;
  private final MethodHandle power;
  private final MethodHandle errorString;

  /**
   * Binds the functions.
   *
   * @throws NvmlException if the library lacks one, as versions before 2018 do
   */
  Nvml(SymbolLookup library) throws NvmlException {
    init = bind(library, "nvmlInit_v2");
    shutdown = bind(library, "nvmlShutdown");
    count = bind(library, "nvmlDeviceGetCount_v2", ADDRESS);
    handle = bind(library, "nvmlDeviceGetHandleByIndex_v2", JAVA_INT, ADDRESS);
    name = bind(library, "nvmlDeviceGetName", ADDRESS, ADDRESS, JAVA_INT);
    energy = bind(library, "nvmlDeviceGetTotalEnergyConsumption", ADDRESS, ADDRESS);
    power = bind(library, "nvmlDeviceGetPowerUsage", ADDRESS, ADDRESS);
    errorString =
        Linker.nativeLinker()
            .downcallHandle(
                find(library, "nvmlErrorString"), FunctionDescriptor.of(STRING, JAVA_INT));
  }

  private static MethodHandle bind(SymbolLookup library, String function, MemoryLayout... arguments)
      throws NvmlException {
    return Linker.nativeLinker()
        .downcallHandle(find(library, function), FunctionDescriptor.of(JAVA_INT, arguments));
  }

  private static MemorySegment find(SymbolLookup library, String function) throws NvmlException {
    return library
        .find(function)
        .orElseThrow(() -> new NvmlException(function, -1, "the library has no such function"));
  }

  /** Must be paired with {@link #shutdown}: the library counts. */
  void init() throws NvmlException {
    check("nvmlInit_v2", call(init));
  }

  void shutdown() {
    call(shutdown);
  }

  int deviceCount() throws NvmlException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      check("nvmlDeviceGetCount_v2", call(count, out));
      return out.get(JAVA_INT, 0);
    }
  }

  /** The library's handle of a device, valid until {@link #shutdown}. */
  MemorySegment device(int index) throws NvmlException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check("nvmlDeviceGetHandleByIndex_v2", call(handle, index, out));
      return out.get(ADDRESS, 0);
    }
  }

  String name(MemorySegment device) throws NvmlException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(NAME_BYTES);
      check("nvmlDeviceGetName", call(name, device, out, NAME_BYTES - 1));
      return out.getString(0, StandardCharsets.UTF_8);
    }
  }

  /** Joules since the driver was loaded; not supported by devices older than Volta. */
  double totalEnergyJoules(MemorySegment device) throws NvmlException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment millijoules = arena.allocate(JAVA_LONG);
      check("nvmlDeviceGetTotalEnergyConsumption", call(energy, device, millijoules));
      return millijoules.get(JAVA_LONG, 0) / 1e3;
    }
  }

  double powerWatts(MemorySegment device) throws NvmlException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment milliwatts = arena.allocate(JAVA_INT);
      check("nvmlDeviceGetPowerUsage", call(power, device, milliwatts));
      return Integer.toUnsignedLong(milliwatts.get(JAVA_INT, 0)) / 1e3;
    }
  }

  private static int call(MethodHandle function, Object... arguments) {
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable t) {
      throw new IllegalStateException("a call of NVML failed", t);
    }
  }

  private void check(String function, int code) throws NvmlException {
    if (code != SUCCESS) {
      throw new NvmlException(function, code, describe(code));
    }
  }

  private String describe(int code) {
    try {
      MemorySegment text = (MemorySegment) errorString.invokeExact(code);
      return text.equals(MemorySegment.NULL) ? "" : text.getString(0, StandardCharsets.UTF_8);
    } catch (Throwable t) {
      return "";
    }
  }

  /** A function of the library that failed. */
  static final class NvmlException extends Exception {
    private static final long serialVersionUID = 1L;
    private final int code;

    NvmlException(String function, int code, String what) {
      super(function + ": " + what + (code >= 0 ? " (code " + code + ")" : ""));
      this.code = code;
    }

    int code() {
      return code;
    }
  }
}
