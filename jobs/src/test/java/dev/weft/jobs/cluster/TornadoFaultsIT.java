package dev.weft.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Jobs whose executors' device fails, PoCL's on a machine without a GPU: no request is lost, none
 * is answered twice, and what failed is named. The device is a true one; launches on it fail from
 * one on ({@code FailingDevice} of the module tornado, which executors have before the jar).
 */
@Timeout(1500)
class TornadoFaultsIT {
  private static final int REQUESTS = 12;

  /** After some requests were answered, in whatever order, and before all of them are. */
  private static final int MIDST = 800;

  private static final String MEASURE_AGAIN = "spark.weft.calibration.refresh=true";

  @TempDir static Path folder;
  private static DeviceRuns runs;
  private static List<Path> faults;
  private static List<String> undisturbed;

  /** Also measures the rates, which the others then find: their launches are those of requests. */
  @BeforeAll
  static void runUndisturbed() throws Exception {
    runs = new DeviceRuns(folder, REQUESTS, 1);
    assertThat(runs.onDevice("undisturbed")).as(runs::driverLog).isZero();
    undisturbed = runs.answers("undisturbed");
    assertThat(undisturbed).hasSize(REQUESTS).allSatisfy(row -> assertThat(row).contains("\"ok\""));
    Path service =
        folder.resolve("faults/META-INF/services/dev.weft.kernels.backend.BackendProvider");
    Files.createDirectories(service.getParent());
    Files.writeString(service, "dev.weft.kernels.backend.tornado.FailingDevice\n");
    Path classes = DeviceRuns.ROOT.resolve("udf-kernels/tornado/target/test-classes");
    assertThat(classes).as("tests of the module tornado, built with its jar").isDirectory();
    faults = List.of(folder.resolve("faults"), classes);
  }

  @AfterAll
  static void end() {
    if (runs != null) {
      runs.close();
    }
  }

  private static int failing(String name, int from, int healAfter, String... settings)
      throws Exception {
    Path told = Files.createDirectories(folder.resolve("told-" + name));
    return runs.onDevice(
        name,
        "-Dweft.test.failFrom=%d -Dweft.test.healAfter=%d -Dweft.test.faultFolder=%s"
            .formatted(from, healAfter, told),
        faults,
        settings);
  }

  /**
   * The first engine is lost, the one in its place cannot be opened: the executor makes room for
   * another, whose device works again, as that of a process that comes after a fault of CUDA.
   */
  @Test
  void aFaultThatPassesCostsNoAnswer() throws Exception {
    assertThat(failing("passing", MIDST, 2)).as(runs::driverLog).isZero();
    assertThat(runs.answers("passing")).isEqualTo(undisturbed);
    assertThat(runs.executorLog(0))
        .contains("each of them is computed alone")
        .contains("CL_DEVICE_NOT_AVAILABLE at launch " + MIDST + ", opened again 0 times")
        .containsPattern("engine 1 of at most \\d+ failed in partition")
        .containsPattern("CL_DEVICE_NOT_AVAILABLE at launch \\d+, opened again 1 times")
        .contains("none can be opened after it")
        .contains("this executor exits");
  }

  /** What was answered before stays, and the next start answers the rest. */
  @Test
  void aDeviceThatIsGoneEndsTheRunByNameAndTheNextStartContinues() throws Exception {
    assertThat(failing("gone", MIDST, Integer.MAX_VALUE)).isEqualTo(1);
    assertThat(runs.driverLog())
        .containsPattern("error: ENGINE_BROKEN: .* failed: .*CL_DEVICE_NOT_AVAILABLE");
    try (Stream<Path> files = Files.walk(runs.output("gone"))) {
      assertThat(files).anyMatch(f -> f.getFileName().toString().startsWith("results-"));
    }
    assertThat(runs.onDevice("gone")).as(runs::driverLog).isZero();
    assertThat(runs.answers("gone")).isEqualTo(undisturbed);
  }

  /** Already the measurement of rates fails. */
  @Test
  void aDeviceThatNeverWorksIsNamed() throws Exception {
    assertThat(failing("never", 1, Integer.MAX_VALUE, MEASURE_AGAIN)).isEqualTo(1);
    assertThat(runs.driverLog())
        .containsPattern("error: ENGINE_BROKEN: .* failed: .*CL_DEVICE_NOT_AVAILABLE");
  }

  /** No fault is made up here: TornadoVM itself finds no room. */
  @Test
  void aDeviceWithTooLittleMemoryIsNamed() throws Exception {
    assertThat(runs.onDevice("small", "-Dtornado.device.memory=1MB", List.of(), MEASURE_AGAIN))
        .isEqualTo(1);
    assertThat(runs.driverLog())
        .containsPattern("error: MEMORY_TOO_SMALL: .* is out of memory .*engine.kvBytes");
  }
}
