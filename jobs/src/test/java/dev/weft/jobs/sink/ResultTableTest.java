package dev.weft.jobs.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.job.TestSpark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writers that are there at the same time. */
class ResultTableTest {
  private static final int WRITERS = 3;
  private static final int ROWS = 5;

  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  private ResultTable table() {
    return new ResultTable(spark, folder.resolve("results").toString());
  }

  private Dataset<Row> rows(String runId, String carried) {
    List<Row> rows = new ArrayList<>();
    for (long key = 0; key < ROWS; key++) {
      Object[] values = new Object[ResultColumns.OWN.size()];
      values[ResultColumns.OWN.fieldIndex("run_id")] = runId;
      values[ResultColumns.OWN.fieldIndex("row_key")] = key;
      rows.add(RowFactory.create(values));
    }
    Dataset<Row> own = spark.createDataFrame(rows, ResultColumns.OWN);
    return carried.isEmpty() ? own : own.withColumn(carried, functions.lit("c"));
  }

  private static void together(IntFunction<Runnable> work) throws Exception {
    CyclicBarrier start = new CyclicBarrier(WRITERS);
    try (ExecutorService pool = Executors.newFixedThreadPool(WRITERS)) {
      List<Future<Void>> all = new ArrayList<>();
      for (int w = 0; w < WRITERS; w++) {
        Runnable own = work.apply(w);
        Callable<Void> waiting =
            () -> {
              start.await();
              own.run();
              return null;
            };
        all.add(pool.submit(waiting));
      }
      for (Future<Void> one : all) {
        one.get();
      }
    }
  }

  @Test
  void createTheTableAndAddEachRunOnce() throws Exception {
    String[] carried = {"", "tag", "colour"};
    together(
        w ->
            () ->
                table()
                    .create(
                        carried[w].isEmpty()
                            ? new StructType()
                            : new StructType().add(carried[w], DataTypes.StringType)));
    // Two attempts at one run end at the same time, and those of other runs with other columns.
    together(w -> () -> table().commit("same", rows("same", ""), () -> {}));
    together(w -> () -> table().commit("run-" + w, rows("run-" + w, carried[w]), () -> {}));
    assertThat(table().rows("same").count()).isEqualTo(ROWS);
    for (int w = 0; w < WRITERS; w++) {
      assertThat(table().rows("run-" + w).count()).isEqualTo(ROWS);
    }
    assertThat(table().rows("run-1").where("tag = 'c'").count()).isEqualTo(ROWS);
    assertThat(table().rows("run-2").where("colour = 'c'").count()).isEqualTo(ROWS);
  }

  @Test
  void createTheTableWhereAWriterWasKilledBeforeItsFirstCommit() throws Exception {
    Path log = Files.createDirectories(folder.resolve("results/_delta_log"));
    Files.writeString(log.resolve(".00000000000000000000.json.tmp"), "{\"commitInfo");
    table().create(new StructType());
    table().commit("a", rows("a", ""), () -> {});
    assertThat(table().rows("a").count()).isEqualTo(ROWS);
  }

  @Test
  void refuseAFolderOfSomethingElse() throws Exception {
    Path foreign = Files.createDirectories(folder.resolve("results")).resolve("photo.png");
    Files.writeString(foreign, "not a table");
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> table().create(new StructType()))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_CONFLICT));
    assertThat(foreign).isRegularFile();
  }
}
