package dev.weft.kernels.energy;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.kernels.energy.EnergyMeters.Opened;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Through the real native calling convention, into a library whose functions are written here. */
class NvmlMeterTest {
  private static final int GPU_IS_LOST = 15;

  /** Two devices, of which the second is too old for an energy counter. */
  @SuppressWarnings("restricted")
  static final class Library implements SymbolLookup {
    final Map<String, MemorySegment> symbols = new HashMap<>();
    int initialized;
    int initCode;
    int devices = 2;
    long millijoules = 5_000;
    int milliwatts = 40_000;
    int energyCode;

    Library(Arena arena) {
      add(arena, "nvmlInit_v2", "init");
      add(arena, "nvmlShutdown", "shutdown");
      add(arena, "nvmlDeviceGetCount_v2", "count", ADDRESS);
      add(arena, "nvmlDeviceGetHandleByIndex_v2", "handle", JAVA_INT, ADDRESS);
      add(arena, "nvmlDeviceGetName", "name", ADDRESS, ADDRESS, JAVA_INT);
      add(arena, "nvmlDeviceGetTotalEnergyConsumption", "energy", ADDRESS, ADDRESS);
      add(arena, "nvmlDeviceGetPowerUsage", "power", ADDRESS, ADDRESS);
      errorText = arena.allocateFrom("GPU is lost");
      addWithResult(arena, "nvmlErrorString", "errorString", ADDRESS, JAVA_INT);
    }

    final MemorySegment errorText;

    private void add(Arena arena, String symbol, String method, MemoryLayout... arguments) {
      addWithResult(arena, symbol, method, JAVA_INT, arguments);
    }

    private void addWithResult(
        Arena arena, String symbol, String method, MemoryLayout result, MemoryLayout... arguments) {
      FunctionDescriptor descriptor = FunctionDescriptor.of(result, arguments);
      MethodType type = descriptor.toMethodType();
      try {
        symbols.put(
            symbol,
            Linker.nativeLinker()
                .upcallStub(MethodHandles.lookup().bind(this, method, type), descriptor, arena));
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    public Optional<MemorySegment> find(String name) {
      return Optional.ofNullable(symbols.get(name));
    }

    int init() {
      initialized += initCode == 0 ? 1 : 0;
      return initCode;
    }

    int shutdown() {
      initialized--;
      return 0;
    }

    int count(MemorySegment out) {
      out.reinterpret(4).set(JAVA_INT, 0, devices);
      return 0;
    }

    int handle(int index, MemorySegment out) {
      out.reinterpret(8).set(ADDRESS, 0, MemorySegment.ofAddress(100 + index));
      return index < devices ? 0 : 2;
    }

    int name(MemorySegment device, MemorySegment out, int length) {
      out.reinterpret(length).setString(0, "GPU " + device.address());
      return 0;
    }

    int energy(MemorySegment device, MemorySegment out) {
      if (device.address() == 101) {
        return Nvml.NOT_SUPPORTED;
      }
      out.reinterpret(8).set(JAVA_LONG, 0, millijoules);
      return energyCode;
    }

    int power(MemorySegment device, MemorySegment out) {
      out.reinterpret(4).set(JAVA_INT, 0, milliwatts);
      return 0;
    }

    MemorySegment errorString(int code) {
      return errorText;
    }
  }

  @Test
  void readsTheCounterOfADevice() {
    try (Arena arena = Arena.ofShared()) {
      Library library = new Library(arena);
      Opened opened = NvmlMeter.open(library, List.of(0));
      assertThat(opened.probe()).isEqualTo(new EnergyProbe("nvml", true, "0: GPU 100", ""));
      try (EnergyMeter meter = opened.meter()) {
        assertThat(meter.joules()).isZero();
        library.millijoules = 7_500;
        assertThat(meter.joules()).isCloseTo(2.5, within(1e-9));
        // The driver was loaded again.
        library.millijoules = 1_000;
        assertThat(meter.joules()).isCloseTo(3.5, within(1e-9));
        library.energyCode = GPU_IS_LOST;
        library.millijoules = 9_000;
        assertThat(meter.joules()).isCloseTo(3.5, within(1e-9));
      }
      assertThat(library.initialized).isZero();
    }
  }

  @Test
  void integratesThePowerOfADeviceWithoutACounter() throws InterruptedException {
    try (Arena arena = Arena.ofShared()) {
      Library library = new Library(arena);
      Opened opened = NvmlMeter.open(library, List.of(1));
      assertThat(opened.probe().detail()).contains("power sampled");
      try (EnergyMeter meter = opened.meter()) {
        double before = meter.joules();
        long start = System.nanoTime();
        while (meter.joules() <= before) {
          Thread.sleep(1);
        }
        double joules = meter.joules() - before;
        // At 40 W no more joules than 40 times the seconds since the first reading.
        assertThat(joules).isPositive().isLessThan(40 * (System.nanoTime() - start) / 1e9 + 1);
      }
      assertThat(library.initialized).isZero();
    }
  }

  @Test
  void countsAllDevicesUnlessToldWhich() {
    try (Arena arena = Arena.ofShared()) {
      Library library = new Library(arena);
      Opened opened = NvmlMeter.open(library, null);
      opened.meter().close();
      assertThat(opened.probe().detail())
          .isEqualTo("0: GPU 100, 1: GPU 101 (no energy counter: power sampled)");
    }
  }

  @Test
  void saysWhatIsMissing() {
    try (Arena arena = Arena.ofShared()) {
      Library library = new Library(arena);
      library.devices = 0;
      assertThat(NvmlMeter.open(library, null).probe().detail()).contains("no GPU");
      library.devices = 1;
      assertThat(NvmlMeter.open(library, List.of(7)).probe().detail())
          .contains("nvmlDeviceGetHandleByIndex_v2");
      library.initCode = GPU_IS_LOST;
      assertThat(NvmlMeter.open(library, null).probe().detail())
          .isEqualTo("nvmlInit_v2: GPU is lost (code 15)");
      library.symbols.remove("nvmlDeviceGetTotalEnergyConsumption");
      assertThat(NvmlMeter.open(library, null).probe().detail()).contains("no such function");
      assertThat(library.initialized).isZero();
    }
    EnergyConfig absent =
        EnergyConfig.ofMachine().withNvmlLibraries(List.of("libno-such-library.so.1"));
    EnergyProbe probe = NvmlMeter.open(absent).probe();
    assertThat(probe.available()).isFalse();
    assertThat(probe.detail()).isEqualTo("libno-such-library.so.1: not found");
    assertThat(probe.hint()).contains("driver");
  }
}
