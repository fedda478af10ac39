package dev.weft.kernels.energy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the best meter of this machine. For GPUs that is NVML; for the CPU, RAPL where its counters
 * can be read, else an estimate. What both give is summed, and the source names every part: {@code
 * nvml+rapl}, {@code rapl}, {@code nvml+estimate:cpu-time}.
 *
 * <p>The counters are the machine's, not the process's: joules of two engines on one machine must
 * not be added.
 */
public final class EnergyMeters {
  private static final Logger LOG = LoggerFactory.getLogger(EnergyMeters.class);

  private EnergyMeters() {}

  /** Opens a meter. There always is one: at worst the estimate, which the log and source say. */
  public static EnergyMeter detect(EnergyConfig config) {
    List<EnergyMeter> meters = new ArrayList<>();
    if (config.gpus() == null || !config.gpus().isEmpty()) {
      keep(NvmlMeter.open(config), meters);
    }
    if (!keep(RaplMeter.open(config.powercap()), meters)) {
      keep(CpuTimeMeter.open(config.cpuPower()), meters);
    }
    return meters.size() == 1 ? meters.getFirst() : new SummedMeter(meters);
  }

  private static boolean keep(Opened opened, List<EnergyMeter> meters) {
    EnergyProbe probe = opened.probe();
    if (opened.meter() == null) {
      LOG.info("energy: no {}: {}. {}", probe.source(), probe.detail(), probe.hint());
      return false;
    }
    LOG.info("energy: {}: {}", probe.source(), probe.detail());
    meters.add(opened.meter());
    return true;
  }

  /** Looks at every source, in order of preference, and keeps none open. */
  public static List<EnergyProbe> probe(EnergyConfig config) {
    List<EnergyProbe> probes = new ArrayList<>();
    for (Opened opened :
        List.of(
            NvmlMeter.open(config),
            RaplMeter.open(config.powercap()),
            CpuTimeMeter.open(config.cpuPower()))) {
      if (opened.meter() != null) {
        opened.meter().close();
      }
      probes.add(opened.probe());
    }
    return probes;
  }

  /** A source that was looked for; the meter is null where it is not there. */
  record Opened(EnergyMeter meter, EnergyProbe probe) {
    static Opened found(EnergyMeter meter, String detail) {
      return new Opened(meter, new EnergyProbe(meter.source().name(), true, detail, ""));
    }

    static Opened missing(String source, String detail, String hint) {
      return new Opened(null, new EnergyProbe(source, false, detail, hint));
    }
  }

  private record SummedMeter(List<EnergyMeter> parts) implements EnergyMeter {
    @Override
    public EnergySource source() {
      return new EnergySource(
          parts.stream().map(p -> p.source().name()).collect(Collectors.joining("+")),
          parts.stream().allMatch(p -> p.source().measured()));
    }

    @Override
    public double joules() {
      double sum = 0;
      for (EnergyMeter part : parts) {
        sum += part.joules();
      }
      return sum;
    }

    @Override
    public void close() {
      parts.forEach(EnergyMeter::close);
    }
  }
}
