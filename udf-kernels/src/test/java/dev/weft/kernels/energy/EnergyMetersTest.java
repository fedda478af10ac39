package dev.weft.kernels.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnergyMetersTest {
  @TempDir private Path folder;

  private EnergyConfig bare() {
    return EnergyConfig.ofMachine()
        .withPowercap(folder.resolve("absent"))
        .withNvmlLibraries(List.of("libno-such-library.so.1"))
        .withCpuPower(new CpuPowerModel(10, 5));
  }

  @Test
  void aMachineWithoutCountersGetsTheEstimate() {
    try (EnergyMeter meter = EnergyMeters.detect(bare())) {
      assertThat(meter.source()).hasToString("estimate:cpu-time");
      assertThat(meter.source().measured()).isFalse();
    }
  }

  @Test
  void countersComeBeforeTheEstimate() throws IOException {
    Path domain = Files.createDirectories(folder.resolve("powercap/intel-rapl:0"));
    Files.writeString(domain.resolve("name"), "package-0");
    Files.writeString(domain.resolve("max_energy_range_uj"), "1000000");
    Files.writeString(domain.resolve("energy_uj"), "0");
    try (EnergyMeter meter =
        EnergyMeters.detect(bare().withPowercap(folder.resolve("powercap")).withGpus(List.of()))) {
      assertThat(meter.source()).isEqualTo(new EnergySource("rapl", true));
      Files.writeString(domain.resolve("energy_uj"), "500000");
      assertThat(meter.joules()).isCloseTo(0.5, within(1e-9));
    }
  }

  @Test
  void probingNamesEverySourceAndHowToGetIt() {
    List<EnergyProbe> probes = EnergyMeters.probe(bare());
    assertThat(probes)
        .extracting(EnergyProbe::source)
        .containsExactly("nvml", "rapl", "estimate:cpu-time");
    assertThat(probes).extracting(EnergyProbe::available).containsExactly(false, false, true);
    assertThat(probes).allSatisfy(p -> assertThat(p.detail()).isNotBlank());
    assertThat(probes.subList(0, 2)).allSatisfy(p -> assertThat(p.hint()).isNotBlank());
    assertThat(probes.getLast().detail()).contains("10.00 W idle and 5.00 W for each busy core");
  }

  @Test
  void thisMachineCanBeProbed() {
    assertThat(EnergyMeters.probe(EnergyConfig.ofMachine())).hasSize(3);
    try (EnergyMeter meter = EnergyMeters.detect(EnergyConfig.ofMachine())) {
      assertThat(meter.source().name()).matches("(nvml\\+)?(rapl|estimate:cpu-time)");
      assertThat(meter.joules()).isNotNegative();
    }
  }

  @Test
  void theEstimateIsIdlePowerAndThatOfTheBusyCores() {
    long[] clock = {1_000_000_000L};
    long[] cpu = {70_000_000_000L};
    CpuTimeMeter meter = new CpuTimeMeter(new CpuPowerModel(10, 5), () -> clock[0], () -> cpu[0]);
    assertThat(meter.joules()).isZero();
    clock[0] += 2_000_000_000L;
    cpu[0] += 3_000_000_000L;
    assertThat(meter.joules()).isCloseTo(10 * 2 + 5 * 3, within(1e-9));
    cpu[0] -= 1_000_000_000L;
    assertThat(meter.joules()).isCloseTo(35, within(1e-9));
  }

  @Test
  void theEstimateGrowsWithTheWorkOfManyThreads() throws Exception {
    // No idle power, so that only work counts.
    EnergyConfig config = bare().withCpuPower(new CpuPowerModel(0, 5));
    try (EnergyMeter meter = EnergyMeters.detect(config);
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      Callable<Double> work =
          () -> {
            double last = meter.joules();
            double start = last;
            long sum = 0;
            while (last <= start) {
              sum += IntStream.range(0, 1_000_000).filter(i -> Integer.bitCount(i) == 7).count();
              double now = meter.joules();
              assertThat(now).isGreaterThanOrEqualTo(last);
              last = now;
            }
            assertThat(sum).isPositive();
            return last;
          };
      for (Future<Double> result : threads.invokeAll(List.of(work, work, work, work))) {
        assertThat(result.get()).isPositive();
      }
    }
  }

  @Test
  void aPowerModelIsChecked() {
    assertThatThrownBy(() -> new CpuPowerModel(-1, 2)).hasMessageContaining("watts");
    assertThatThrownBy(() -> new CpuPowerModel(1, Double.NaN)).hasMessageContaining("watts");
    CpuPowerModel machine = CpuPowerModel.ofMachine();
    int processors = Runtime.getRuntime().availableProcessors();
    assertThat(machine.joules(1, processors)).isCloseTo(3.5 * processors, within(1e-9));
  }
}
