package dev.weft.jobs.sink;

import static org.apache.spark.sql.functions.col;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.store.StorageErrors;
import io.delta.exceptions.DeltaConcurrentModificationException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;

/** The Delta table of results in an output folder, partitioned by run. */
public final class ResultTable {
  private static final String EXTENSION = "io.delta.sql.DeltaSparkSessionExtension";
  private static final String CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog";

  private static final String LOG = "_delta_log";

  private static final int TRIES = 8;

  private final SparkSession spark;
  private final String path;

  /**
   * @param path folder of the table, which need not exist yet
   * @throws WeftException if the session cannot write Delta tables
   */
  public ResultTable(SparkSession spark, String path) {
    this.spark = spark;
    this.path = path;
    if (!spark.conf().get("spark.sql.extensions", "").contains(EXTENSION)
        || !spark.conf().get("spark.sql.catalog.spark_catalog", "").equals(CATALOG)) {
      throw new WeftException(
          ErrorCode.OPTION_INVALID,
          "the Spark session cannot write Delta tables; set spark.sql.extensions=%s and spark.sql.catalog.spark_catalog=%s"
              .formatted(EXTENSION, CATALOG));
    }
  }

  /** The folder of the table. */
  public String path() {
    return path;
  }

  /**
   * Creates the table if it is not there, so that writers never race for it.
   *
   * @param carried columns carried from the input
   * @throws WeftException if there is something else, or a table whose columns have other types
   */
  public void create(StructType carried) {
    List<String> names = ResultColumns.carriedNames(carried);
    checkFolder();
    StructType columns = ResultColumns.OWN;
    for (int i = 0; i < names.size(); i++) {
      columns = columns.add(names.get(i), carried.fields()[i].dataType());
    }
    Dataset<Row> noRows = spark.createDataFrame(List.of(), columns);
    // CREATE TABLE would refuse a folder with the empty log of a writer that is creating the table
    // now, or was killed while it did. A commit of no rows creates the table there too.
    retried(
        () -> {
          if (!exists()) {
            noRows.write().format("delta").mode(SaveMode.Append).partitionBy("run_id").save(path);
          }
        },
        this::exists,
        () -> {});
    StructType there = read().schema();
    for (StructField own : ResultColumns.OWN.fields()) {
      check(there, own.name(), own);
    }
    for (int i = 0; i < names.size(); i++) {
      check(there, names.get(i), carried.fields()[i]);
    }
  }

  /** Refuses a folder of something else. */
  private void checkFolder() {
    boolean other;
    try {
      Path folder = new Path(path);
      FileSystem files = folder.getFileSystem(spark.sessionState().newHadoopConf());
      other =
          files.exists(folder)
              && Arrays.stream(files.listStatus(folder))
                  .anyMatch(entry -> !entry.getPath().getName().equals(LOG));
    } catch (IOException e) {
      throw StorageErrors.of(path + " cannot be listed", e);
    }
    // In this order: a table's files come after its first commit.
    if (other && !exists()) {
      throw new WeftException(
          ErrorCode.OUTPUT_CONFLICT,
          path + " is not empty and holds no Delta table; name another output folder");
    }
  }

  /** Whether there is a table, and not only the folder of its log. */
  private boolean exists() {
    return DeltaLog.forTable(spark, path).update(false, Option.empty(), Option.empty()).version()
        >= 0;
  }

  private void check(StructType there, String name, StructField wanted) {
    for (StructField field : there.fields()) {
      if (field.name().equalsIgnoreCase(name)
          && !field.dataType().asNullable().equals(wanted.dataType().asNullable())) {
        throw new WeftException(
            ErrorCode.OUTPUT_CONFLICT,
            "the column %s of %s is of type %s, and this run writes %s"
                .formatted(
                    name, path, field.dataType().simpleString(), wanted.dataType().simpleString()));
      }
    }
  }

  /** Whether a run's rows are there. */
  public boolean holds(String runId) {
    return exists() && !rows(runId).isEmpty();
  }

  /** The rows of a run. */
  public Dataset<Row> rows(String runId) {
    return read().where(col("run_id").equalTo(runId));
  }

  private Dataset<Row> read() {
    return spark.read().format("delta").load(path);
  }

  /**
   * Adds a run's rows in one transaction. A run that was added before is not added again, also if
   * nobody knows of it: the table remembers its transaction. So a commit whose end was not seen is
   * tried again.
   *
   * @param beforeEachTry may throw to stop
   */
  public void commit(String runId, Dataset<Row> rows, Runnable beforeEachTry) {
    retried(
        () ->
            rows.write()
                .format("delta")
                .mode(SaveMode.Append)
                .option("mergeSchema", "true")
                // One stream of transactions for each run: Delta skips a version that it has seen.
                .option("txnAppId", "weft/" + runId)
                .option("txnVersion", "1")
                .save(path),
        () -> holds(runId),
        beforeEachTry);
  }

  /**
   * Drops what Delta keeps of a table for an hour after its last use, a few MiB: an application
   * that writes table after table would fill its heap.
   */
  public static void forget(SparkSession spark, String path) {
    DeltaLog.invalidateCache(spark, new Path(path));
  }

  /**
   * Writers of other runs may create the table, change its columns or commit at the same time:
   * Delta then refuses one of them, which tries again.
   *
   * @param done whether what the work is for is there, whoever did it
   */
  private void retried(Runnable work, BooleanSupplier done, Runnable beforeEachTry) {
    for (int left = TRIES - 1; ; left--) {
      beforeEachTry.run();
      try {
        work.run();
        return;
      } catch (Exception e) {
        // Scala throws checked exceptions without declaring them.
        if (!isConflict(e)) {
          throw failed(e);
        }
        if (done.getAsBoolean()) {
          return;
        }
        if (left == 0) {
          throw failed(e);
        }
        pause();
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(100, 1_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private WeftException failed(Exception e) {
    return StorageErrors.within(e)
        ? StorageErrors.of(path + " cannot be written", e)
        : new WeftException(
            ErrorCode.OUTPUT_CONFLICT,
            path + " cannot be written as a Delta table: " + e.getMessage(),
            e);
  }

  /** Whether somebody else was there first. */
  private static boolean isConflict(Throwable e) {
    for (Throwable t = e; t != null && t.getCause() != t; t = t.getCause()) {
      if (t instanceof DeltaConcurrentModificationException
          || t.getClass().getSimpleName().contains("Concurrent")
          || t instanceof FileAlreadyExistsException
          || String.valueOf(t.getMessage()).contains("DELTA_PROTOCOL_CHANGED")
          || String.valueOf(t.getMessage()).contains("DELTA_TABLE_ALREADY_EXISTS")
          || String.valueOf(t.getMessage()).contains("DELTA_METADATA_CHANGED")) {
        return true;
      }
    }
    return false;
  }
}
