package dev.weft.kernels.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.weft.kernels.energy.EnergyMeters.Opened;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over a folder of real files laid out as the kernel does. */
class RaplMeterTest {
  private static final long RANGE = 262_143_328_850L;

  @TempDir private Path powercap;

  private Path domain(String folder, String name, String microjoules) throws IOException {
    Path path = Files.createDirectories(powercap.resolve(folder));
    Files.writeString(path.resolve("name"), name + "\n");
    Files.writeString(path.resolve("max_energy_range_uj"), RANGE + "\n");
    Files.writeString(path.resolve("energy_uj"), microjoules + "\n");
    return path.resolve("energy_uj");
  }

  @Test
  void sumsPackagesAndTheirMemoryAndNothingTwice() throws IOException {
    Path package0 = domain("intel-rapl:0", "package-0", "1000000");
    Path core = domain("intel-rapl:0:0", "core", "500000");
    Path dram = domain("intel-rapl:0:1", "dram", "7");
    Path package1 = domain("intel-rapl:1", "package-1", "0");
    Path platform = domain("intel-rapl:2", "psys", "100");
    Path mmio = domain("intel-rapl-mmio:0", "package-0", "100");

    Opened opened = RaplMeter.open(powercap);
    assertThat(opened.probe().detail()).isEqualTo("dram of intel-rapl:0:1, package-0, package-1");
    try (EnergyMeter meter = opened.meter()) {
      assertThat(meter.source()).isEqualTo(new EnergySource("rapl", true));
      assertThat(meter.joules()).isZero();
      Files.writeString(package0, "3500000");
      Files.writeString(dram, "250007");
      Files.writeString(package1, "1250000");
      for (Path uncounted : new Path[] {core, platform, mmio}) {
        Files.writeString(uncounted, "99000000");
      }
      assertThat(meter.joules()).isCloseTo(2.5 + 0.25 + 1.25, within(1e-9));
      assertThat(meter.joules()).isCloseTo(4.0, within(1e-9));
    }
  }

  @Test
  void aCounterThatWrapsGoesOn() throws IOException {
    Path energy = domain("intel-rapl:0", "package-0", String.valueOf(RANGE - 1_000_000));
    try (EnergyMeter meter = RaplMeter.open(powercap).meter()) {
      Files.writeString(energy, "2000000");
      assertThat(meter.joules()).isCloseTo(3.0, within(1e-9));
      Files.writeString(energy, "2500000");
      assertThat(meter.joules()).isCloseTo(3.5, within(1e-9));
      Files.writeString(energy, "0");
      assertThat(meter.joules()).isCloseTo(3.5 + (RANGE - 2_500_000) / 1e6, within(1e-6));
    }
  }

  @Test
  void aCounterThatVanishesStandsStillAndTheOthersGoOn() throws IOException {
    Path package0 = domain("intel-rapl:0", "package-0", "0");
    Path package1 = domain("intel-rapl:1", "package-1", "0");
    try (EnergyMeter meter = RaplMeter.open(powercap).meter()) {
      Files.writeString(package0, "1000000");
      assertThat(meter.joules()).isCloseTo(1.0, within(1e-9));
      Files.delete(package0);
      Files.writeString(package1, "500000");
      assertThat(meter.joules()).isCloseTo(1.5, within(1e-9));
      Files.writeString(package1, "no number");
      assertThat(meter.joules()).isCloseTo(1.5, within(1e-9));
      // It is there again and went on, or began anew.
      Files.writeString(package1, "700000");
      assertThat(meter.joules()).isCloseTo(1.7, within(1e-9));
      Files.writeString(package0, "300000");
      assertThat(meter.joules()).isCloseTo(1.7, within(1e-9));
      Files.writeString(package0, "400000");
      assertThat(meter.joules()).isCloseTo(1.8, within(1e-9));
    }
  }

  @Test
  void saysWhatIsMissingAndHowToGetIt() throws IOException {
    EnergyProbe noFolder = RaplMeter.open(powercap.resolve("absent")).probe();
    assertThat(noFolder.available()).isFalse();
    assertThat(noFolder.detail()).contains("absent");
    assertThat(noFolder.hint()).contains("container");

    assertThat(RaplMeter.open(powercap).probe().hint()).contains("intel_rapl_msr");

    domain("intel-rapl:0", "package-0", "-5");
    EnergyProbe broken = RaplMeter.open(powercap).probe();
    assertThat(broken.available()).isFalse();
    assertThat(broken.detail()).contains("intel-rapl:0/energy_uj cannot be read");

    domain("intel-rapl:0", "package-0", "5");
    domain("intel-rapl:0:0", "dram", "x".repeat(100_000));
    Opened partly = RaplMeter.open(powercap);
    partly.meter().close();
    assertThat(partly.probe().detail()).startsWith("package-0; not read: ").contains("0:0");
  }

  @Test
  void anUnreadableCounterGivesTheHintOnPermissions() throws IOException {
    Path energy = domain("intel-rapl:0", "package-0", "1");
    Files.setPosixFilePermissions(energy, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(energy), "skipped: this user (root) may read every file");
    EnergyProbe probe = RaplMeter.open(powercap).probe();
    assertThat(probe.available()).isFalse();
    assertThat(probe.detail()).contains("AccessDenied");
    assertThat(probe.hint()).contains("chmod a+r").contains("root");
  }
}
