package dev.weft.benchmarks.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An executor that Spark decommissions in the middle of its requests: it ends, another one goes on,
 * and the job does not notice.
 */
class DecommissionIT {
  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void requestsAreHandedBack() throws Exception {
    Path demo = Path.of(System.getProperty("weft.project.root"), "datasets/demo");
    Path folder = Path.of("target", "decommission-it").toAbsolutePath();
    KillRuns.Sums sums =
        KillRuns.run(
            new KillRuns.Setting(
                demo,
                24,
                1,
                1,
                random -> new Fault(Fault.Kind.DECOMMISSION_EXECUTOR, 0, 500, 0, 0)),
            folder,
            System.out::println);
    assertThat(sums.broken).isEmpty();
    assertThat(sums.requests).isEqualTo(24);
    assertThat(sums.starts).as("the job failed").isEqualTo(1);
  }
}
