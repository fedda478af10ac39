package dev.weft.kernels.energy;

import com.sun.management.OperatingSystemMXBean;
import dev.weft.kernels.energy.EnergyMeters.Opened;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;

/** The estimate {@code estimate:cpu-time}: a {@link CpuPowerModel} over this process's CPU time. */
final class CpuTimeMeter implements EnergyMeter {
  static final EnergySource SOURCE = new EnergySource("estimate:cpu-time", false);
  private static final double NANOS = 1e9;

  private final CpuPowerModel model;
  private final LongSupplier clockNanos;
  private final LongSupplier cpuNanos;
  private final long startClockNanos;
  private final long startCpuNanos;
  private double highestJoules;

  CpuTimeMeter(CpuPowerModel model, LongSupplier clockNanos, LongSupplier cpuNanos) {
    this.model = model;
    this.clockNanos = clockNanos;
    this.cpuNanos = cpuNanos;
    this.startClockNanos = clockNanos.getAsLong();
    this.startCpuNanos = cpuNanos.getAsLong();
  }

  static Opened open(CpuPowerModel model) {
    String detail =
        String.format(
            Locale.ROOT,
            "%.2f W idle and %.2f W for each busy core, over this process's CPU time",
            model.idleWatts(),
            model.busyWattsPerCore());
    return Opened.found(
        new CpuTimeMeter(model, System::nanoTime, CpuTimeMeter::processCpuNanos), detail);
  }

  private static long processCpuNanos() {
    if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
      long nanos = system.getProcessCpuTime();
      if (nanos >= 0) {
        return nanos;
      }
    }
    return ProcessHandle.current().info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }

  @Override
  public EnergySource source() {
    return SOURCE;
  }

  @Override
  public synchronized double joules() {
    double joules =
        model.joules(
            (clockNanos.getAsLong() - startClockNanos) / NANOS,
            (cpuNanos.getAsLong() - startCpuNanos) / NANOS);
    highestJoules = Math.max(highestJoules, joules);
    return highestJoules;
  }

  @Override
  public void close() {}
}
