package dev.weft.jobs.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
  @TempDir Path folder;

  private static Finding named(List<Finding> findings, String name) {
    return findings.stream().filter(f -> f.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void everyFindingThatIsNotWellSaysWhatToDo() {
    List<Finding> findings = Doctor.examine(Map.of());
    assertThat(findings)
        .extracting(Finding::name)
        .contains(
            "java",
            "flags",
            "vector",
            "memory",
            "cores",
            "temp",
            "spark",
            "delta",
            "arrow",
            "devices",
            "tornadovm");
    for (Finding finding : findings) {
      assertThat(finding.found()).as(finding.name()).isNotBlank();
      assertThat(finding.fix().isBlank())
          .as(finding.toString())
          .isEqualTo(finding.status() == Finding.Status.OK);
    }
  }

  @Test
  void theTestsThemselvesRunOnAGoodJvm() {
    List<Finding> findings = Doctor.examine(Map.of());
    for (String name :
        List.of(
            "java",
            "flags",
            "spark",
            "delta",
            "arrow",
            "temp",
            "backend vector",
            "backend scalar")) {
      assertThat(named(findings, name).status()).as(name).isEqualTo(Finding.Status.OK);
    }
  }

  @Test
  void tornadoIsFoundWhereItIs() throws IOException {
    assertThat(named(DeviceChecks.tornado(Map.of()), "tornadovm").status())
        .isEqualTo(Finding.Status.MISSING);
    Map<String, String> environment = Map.of("TORNADOVM_HOME", folder.toString());
    assertThat(named(DeviceChecks.tornado(environment), "tornadovm").found()).contains("holds no");
    Path jars = Files.createDirectories(folder.resolve("share/java/tornado"));
    Files.createFile(jars.resolve("tornado-api-4.0.0.jar"));
    assertThat(named(DeviceChecks.tornado(environment), "tornadovm").status())
        .isEqualTo(Finding.Status.WARN);
    Files.delete(jars.resolve("tornado-api-4.0.0.jar"));
    Files.createFile(jars.resolve("tornado-api-5.2.0-jdk25.jar"));
    Files.createFile(jars.resolve("tornado-drivers-common-5.2.0-jdk25.jar"));
    assertThat(named(DeviceChecks.tornado(environment), "tornadovm").found())
        .endsWith("drivers: none");
    Files.createFile(jars.resolve("tornado-drivers-cuda-5.2.0-jdk25.jar"));
    assertThat(named(DeviceChecks.tornado(environment), "tornadovm").status())
        .isEqualTo(Finding.Status.OK);
  }

  @Test
  void onlyWhatIsRequiredStopsJobs() {
    assertThat(Finding.broken("x", "y", "z").stopsJobs()).isTrue();
    assertThat(Finding.absent("x", "y", "z").stopsJobs()).isFalse();
    assertThat(Finding.warn("x", "y", "z").stopsJobs()).isFalse();
  }
}
