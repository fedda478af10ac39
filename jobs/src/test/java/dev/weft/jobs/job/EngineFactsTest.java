package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.infer.PartitionReport;
import dev.weft.jobs.infer.PartitionReport.Sums;
import dev.weft.jobs.state.RunFolder;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineFactsTest {
  @TempDir Path folder;

  private RunFolder run() {
    return new RunFolder(folder.toString(), "r", new Configuration()).make();
  }

  private static PartitionReport report(
      int partition,
      String engine,
      int earlierAttempts,
      List<String> failures,
      Sums from,
      Sums to) {
    return new PartitionReport(
        partition,
        10,
        1,
        engine,
        "vector",
        2,
        1024,
        1 << 20,
        512,
        0.5,
        List.of("slow"),
        earlierAttempts,
        failures,
        from,
        to);
  }

  /** Engines that run several partitions are counted once. */
  @Test
  void sumsAreThoseOfThePartitions() {
    Sums none = new Sums(0, 0, 0, 0, 0);
    Sums half = new Sums(5, 0, 1, 1, 10);
    Sums all = new Sums(12, 0, 3, 3, 25);
    EngineFacts facts =
        EngineFacts.of(
            List.of(
                report(1, "a", 0, List.of(), half, all), report(0, "a", 0, List.of(), none, half)),
            run());
    assertThat(facts.engines()).isEqualTo(1);
    assertThat(facts.steps()).isEqualTo(12);
    assertThat(facts.energyJoules()).isEqualTo(25);
    assertThat(facts.warnings()).containsExactly("slow");
  }

  @Test
  void whatWentWrongIsAWarning() {
    Sums before = new Sums(10, 1, 1, 1, 1);
    Sums after = new Sums(20, 4, 2, 2, 2);
    EngineFacts facts =
        EngineFacts.of(
            List.of(
                report(0, "a", 2, List.of("the GPU is gone", "it is full"), before, after),
                report(1, "b", 1, List.of(), before, before)),
            run());
    assertThat(facts.warnings())
        .containsExactly(
            "slow",
            "steps that failed and were computed again, one sequence after the other: 3; why is in"
                + " the log of the executors",
            "engines that failed and were replaced, their requests run again: 2; the last one: it"
                + " is full",
            "attempts of inference tasks that failed or were lost, their requests run again: 3");
  }
}
