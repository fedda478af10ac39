package dev.weft.benchmarks.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The short version of {@code weft bench recovery --only kill}; the faults follow from the seed: an
 * executor, writes (a driver is killed by other tests). The last run has an executor that Spark
 * decommissions in the middle of its requests: it ends, another one goes on, and the job does not
 * notice.
 */
class KillRunsIT {
  private static final long SEED = 2063;
  private static final int RANDOM_RUNS = 1;
  private static final int REQUESTS = 80;
  private static final Fault DECOMMISSION =
      new Fault(Fault.Kind.DECOMMISSION_EXECUTOR, 0, 500, 0, 0);

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void nothingIsLostRepeatedOrChanged() throws Exception {
    Path demo = Path.of(System.getProperty("weft.project.root"), "datasets/demo");
    Path folder = Path.of("target", "recovery-it").toAbsolutePath();
    AtomicInteger run = new AtomicInteger();
    Function<Random, Fault> faults =
        random -> run.getAndIncrement() < RANDOM_RUNS ? Fault.random(random) : DECOMMISSION;
    System.out.println("seeds " + SEED + " and up");
    KillRuns.Sums sums =
        KillRuns.run(
            new KillRuns.Setting(demo, REQUESTS, RANDOM_RUNS + 1, SEED, faults),
            folder,
            System.out::println);
    assertThat(sums.broken).isEmpty();
    assertThat(sums.unfinished).isZero();
    assertThat(sums.runs).isEqualTo(RANDOM_RUNS + 1);
    assertThat(sums.requests).isEqualTo((RANDOM_RUNS + 1) * REQUESTS);
    assertThat(sums.lastStarts).as("a decommissioned executor ended the job").isEqualTo(1);
  }
}
