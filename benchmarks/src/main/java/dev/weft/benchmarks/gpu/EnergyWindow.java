package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeter;
import dev.weft.kernels.energy.EnergyMeters;
import java.util.List;
import java.util.Locale;

/** {@code energy.*}: joules per token while one kind of step is repeated. */
final class EnergyWindow implements AutoCloseable {
  private static final String GPU_COUNTERS = "nvml";

  private final EnergyMeter meter;
  private final boolean gpu;
  private final double windowSeconds;

  EnergyWindow(GpuSetting setting) {
    gpu = setting.gpu();
    windowSeconds = setting.energySeconds();
    meter =
        EnergyMeters.detect(
            EnergyConfig.ofMachine().withGpus(gpu ? List.of(setting.device()) : List.of()));
  }

  /**
   * Repeats work for the window.
   *
   * @param tokens of one repetition
   */
  Line measure(String name, int tokens, Runnable work) {
    String source = meter.source().name();
    if (gpu && !source.contains(GPU_COUNTERS)) {
      return Line.skipped(
          name, "", "absent: the GPU's energy cannot be read; `weft doctor` says what is missing");
    }
    long repeats = 0;
    double before = meter.joules();
    long start = System.nanoTime();
    double seconds;
    do {
      work.run();
      repeats++;
      seconds = Rounds.secondsSince(start);
    } while (seconds < windowSeconds);
    double joules = meter.joules() - before;
    return Line.alone(
        name,
        Series.of(joules / (repeats * tokens)),
        "joules per token",
        String.format(
            Locale.ROOT,
            "%s by %s, %.1f s",
            meter.source().measured() ? "measured" : "with an estimate",
            source,
            seconds));
  }

  @Override
  public void close() {
    meter.close();
  }
}
