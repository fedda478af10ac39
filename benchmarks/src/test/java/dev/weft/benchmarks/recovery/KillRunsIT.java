package dev.weft.benchmarks.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The short version of {@code weft bench recovery --only kill}; the faults follow from the seed: an
 * executor, writes, the driver.
 */
class KillRunsIT {
  private static final long SEED = 2063;

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void nothingIsLostRepeatedOrChanged() throws Exception {
    Path demo = Path.of(System.getProperty("weft.project.root"), "datasets/demo");
    Path folder = Path.of("target", "recovery-it").toAbsolutePath();
    System.out.println("seeds " + SEED + " and up");
    KillRuns.Sums sums =
        KillRuns.run(
            new KillRuns.Setting(demo, 24, 3, SEED, Fault::random), folder, System.out::println);
    assertThat(sums.broken).isEmpty();
    assertThat(sums.unfinished).isZero();
    assertThat(sums.runs).isEqualTo(3);
    assertThat(sums.requests).isEqualTo(3 * 24);
  }
}
