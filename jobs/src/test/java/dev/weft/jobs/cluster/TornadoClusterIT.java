package dev.weft.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Executors that compute on a device, PoCL's on a machine without a GPU. */
class TornadoClusterIT {
  private static final int REQUESTS = 12;

  @TempDir Path folder;

  @Test
  @Timeout(1500)
  void answersOfTwoExecutorsAreThoseOfTheProcessor() throws Exception {
    try (DeviceRuns runs = new DeviceRuns(folder, REQUESTS, 2)) {
      assertThat(runs.onProcessor("vector")).as(runs::driverLog).isZero();
      List<String> expected = runs.answers("vector");
      assertThat(expected).hasSize(REQUESTS).allSatisfy(row -> assertThat(row).contains("\"ok\""));
      assertThat(runs.onDevice("tornado")).as(runs::driverLog).isZero();
      assertThat(runs.answers("tornado")).isEqualTo(expected);
      for (int worker = 0; worker < 2; worker++) {
        assertThat(runs.executorLog(worker)).contains("device plan 1: ");
      }
      JsonNode report =
          new ObjectMapper().readTree(runs.output("tornado").resolve("report.json").toFile());
      assertThat(report.at("/engine/engines").asInt()).isEqualTo(2);
    }
  }
}
