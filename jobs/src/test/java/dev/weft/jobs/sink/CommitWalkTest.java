package dev.weft.jobs.sink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.job.TestSpark;
import dev.weft.jobs.store.FaultFileSystem;
import dev.weft.jobs.store.FaultFileSystem.Died;
import dev.weft.jobs.store.FaultFileSystem.Fault;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A fault at each operation that changes something while the result table is created and a run
 * committed to it, one after the other: after it the run is started again until it ends, and its
 * rows are in the table once. There are two hardest faults: it is done and nobody knows, and it is
 * half done, or done and the process dies. Operations meet one of them by turns, with a seed of the
 * other parity the other one. Other faults, and operations that only look, are sampled.
 */
class CommitWalkTest {
  private static final int ROWS = 3;
  private static final int MOST_STARTS = 2;
  private static final int SAMPLES = 6;

  private static final Fault[] OTHERS = {
    Fault.FAIL, Fault.DELAY, Fault.CRASH, Fault.FULL, Fault.LOST
  };

  private final SparkSession spark = TestSpark.session().newSession();
  @TempDir Path folder;
  private int cases;

  CommitWalkTest() {
    // Tiny jobs by the hundred: code generated for each would take most of the time.
    spark.conf().set("spark.sql.codegen.wholeStage", "false");
    spark.conf().set("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    spark.conf().set("spark.sql.adaptive.enabled", "false");
    spark.conf().set("spark.sql.shuffle.partitions", "1");
    spark.conf().set("spark.databricks.delta.stats.collect", "false");
  }

  @AfterEach
  void heal() {
    FaultFileSystem.heal();
    DeltaLog.clearCache();
  }

  private Dataset<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (long key = 0; key < ROWS; key++) {
      Object[] values = new Object[ResultColumns.OWN.size()];
      values[ResultColumns.OWN.fieldIndex("run_id")] = "r";
      values[ResultColumns.OWN.fieldIndex("row_key")] = key;
      rows.add(RowFactory.create(values));
    }
    return spark.createDataFrame(rows, ResultColumns.OWN).coalesce(1);
  }

  /** What a start of the job does, in a process that knows nothing of the start before. */
  private ResultTable start(String path) {
    DeltaLog.clearCache();
    ResultTable table = new ResultTable(spark, path);
    table.create(new StructType());
    table.commit("r", rows(), () -> {});
    return table;
  }

  private void survives(String operation, Fault fault, int at) {
    String what = "%s at %d: %s".formatted(fault, at, operation);
    String path = "fault:" + folder.resolve("case-" + cases++);
    FaultFileSystem.plan(fault, at);
    ResultTable table = null;
    for (int starts = 1; table == null; starts++) {
      assertThat(starts).as("%s: starts", what).isLessThanOrEqualTo(MOST_STARTS);
      try {
        table = start(path);
      } catch (Exception | Died e) {
        // Scala throws checked exceptions without declaring them.
        assertThat(FaultFileSystem.happened()).as("%s: failed by itself: %s", what, e).isTrue();
        FaultFileSystem.heal();
      }
    }
    FaultFileSystem.heal();
    DeltaLog.clearCache();
    List<Long> keys = new ArrayList<>();
    table.rows("r").select("row_key").collectAsList().forEach(row -> keys.add(row.getLong(0)));
    assertThat(keys).as(what).containsExactlyInAnyOrder(0L, 1L, 2L);
  }

  @Test
  void everyOperation() {
    FaultFileSystem.heal();
    start("fault:" + folder.resolve("undisturbed"));
    List<String> operations = FaultFileSystem.operations();
    assertThat(operations).hasSizeGreaterThan(30);
    assertThat(operations).filteredOn(o -> o.startsWith("rename")).hasSizeGreaterThanOrEqualTo(2);
    long seed = Long.getLong("weft.test.seed", 20261126);
    for (int at = 0; at < operations.size(); at++) {
      String operation = operations.get(at);
      boolean unknown = (at + seed) % 2 == 0;
      switch (operation.substring(0, operation.indexOf(' '))) {
        case "open", "list", "status" -> {}
        case "write" -> survives(operation, unknown ? Fault.DUPLICATE : Fault.TEAR, at);
        default -> survives(operation, unknown ? Fault.DUPLICATE : Fault.CRASH_AFTER, at);
      }
    }
    int walked = cases;
    Random random = new Random(seed);
    for (int i = 0; i < SAMPLES; i++) {
      int at = random.nextInt(operations.size());
      survives(operations.get(at), OTHERS[i % OTHERS.length], at);
    }
    System.out.printf(
        "walked %d of %d operations of create and commit, and %d samples of seed %d%n",
        walked, operations.size(), SAMPLES, seed);
  }
}
