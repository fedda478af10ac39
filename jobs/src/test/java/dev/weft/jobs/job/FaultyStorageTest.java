package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.store.FaultFileSystem;
import dev.weft.jobs.store.FaultFileSystem.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole job whose storage fails somewhere, and that is started again until it ends: its table is
 * that of a job that nothing happened to.
 */
class FaultyStorageTest {
  private static final int REQUESTS = 24;
  private static final int CASES = 2;

  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  @AfterEach
  void heal() {
    FaultFileSystem.heal();
  }

  private WeftConfig config(Path input, String output) {
    return JobFixture.config(
        folder,
        input.toString(),
        Map.of(
            "run.id", "faulty",
            "output.path", "fault:" + folder.resolve(output),
            "sampling.maxTokens", "6",
            "sampling.temperature", "0.8",
            "ledger.pieceRows", "4"));
  }

  /** The result table as text, without the one column that tells of cost. */
  private List<String> table(String output) {
    return spark
        .read()
        .format("delta")
        .load("fault:" + folder.resolve(output) + "/results")
        .drop("shared_prompt_tokens")
        .orderBy("row_key")
        .toJSON()
        .collectAsList();
  }

  @Test
  void aJobThatIsStartedAgainUntilItEndsHasTheSameTable() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      lines.add(
          "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"Story %d of a %s.\",\"n\":%d}}"
              .formatted(i, i / 2, i % 3 == 0 ? "cat" : "dog", 1 + i % 2));
    }
    lines.add("{broken");
    Path input = Files.write(folder.resolve("in.jsonl"), lines);
    FaultFileSystem.heal();
    WeftJob.run(spark, config(input, "undisturbed"), ProgressListener.none());
    int operations = FaultFileSystem.operations().size();
    List<String> expected = table("undisturbed");
    assertThat(expected).hasSize(REQUESTS + 1);

    long seed = Long.getLong("weft.test.seed", 5);
    Random random = new Random(seed);
    Fault[] faults = {Fault.LOST, Fault.FULL, Fault.DUPLICATE};
    for (int i = 0; i < CASES; i++) {
      // A part of the job each, so that few cases see all of it.
      int at = (i * operations + random.nextInt(operations)) / CASES;
      Fault fault = faults[i % faults.length];
      String what = "seed %d, case %d: %s at %d of %d".formatted(seed, i, fault, at, operations);
      RunSummary run = null;
      int starts = 0;
      FaultFileSystem.plan(fault, at);
      while (run == null) {
        assertThat(++starts).as(what).isLessThanOrEqualTo(3);
        try {
          run = WeftJob.run(spark, config(input, "case-" + i), ProgressListener.none());
        } catch (WeftException e) {
          assertThat(FaultFileSystem.happened()).as("%s: %s", what, e).isTrue();
          assertThat(e.code())
              .as("%s: %s", what, e)
              .isIn(
                  fault == Fault.FULL ? ErrorCode.STORAGE_FULL : ErrorCode.STORAGE_FAILED,
                  ErrorCode.OUTPUT_CONFLICT);
          FaultFileSystem.heal();
        }
      }
      assertThat(FaultFileSystem.happened() || starts > 1).as(what).isTrue();
      FaultFileSystem.heal();
      assertThat(table("case-" + i)).as(what).isEqualTo(expected);
    }
  }
}
