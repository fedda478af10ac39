package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.sum;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.Ledger;
import dev.weft.jobs.ledger.LedgerRows;
import dev.weft.jobs.ledger.Outcomes;
import dev.weft.jobs.ledger.Piece;
import dev.weft.jobs.ledger.PieceName;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;

/** The tables in a run's folder. */
final class RunState implements AutoCloseable {
  private final SparkSession spark;
  private final RunFolder folder;
  private Dataset<Row> kept;

  RunState(SparkSession spark, RunFolder folder) {
    this.spark = spark;
    this.folder = folder;
  }

  /** All input rows, columns of {@code PreparedSchema}. */
  Dataset<Row> prepared() {
    return spark.read().parquet(folder.prepared().toString());
  }

  /** Rows that do not run because of another, columns of {@code Duplicates}. */
  Dataset<Row> duplicates() {
    return spark.read().parquet(folder.duplicates().toString());
  }

  /** Columns carried from the input. */
  StructType carried() {
    StructType behindMarker = (StructType) prepared().schema().apply("carried").dataType();
    StructType carried = new StructType();
    for (StructField field : behindMarker.fields()) {
      if (!field.name().equals("_")) {
        carried = carried.add(field);
      }
    }
    return carried;
  }

  /** Prepared rows that run themselves. */
  Dataset<Row> runnable() {
    return prepared()
        .where(col("error_code").isNull())
        .join(duplicates().select("row_key"), new String[] {"row_key"}, "left_anti");
  }

  /** Every result in the ledger, repetitions included. */
  Dataset<Row> results() {
    return LedgerRows.results(spark, pieces(PieceName.Kind.RESULTS));
  }

  /** Every step in the ledger. */
  Dataset<Row> steps() {
    return LedgerRows.steps(spark, pieces(PieceName.Kind.STEPS));
  }

  /** Each request and sample once. */
  Dataset<Row> outcomes() {
    return kept != null ? kept : Outcomes.distinct(results());
  }

  /** Keeps the outcomes as they are now, since several stages read them. */
  void keepOutcomes() {
    kept = Outcomes.distinct(results()).persist(StorageLevel.MEMORY_AND_DISK());
  }

  /** Forgets what {@link #keepOutcomes} kept. */
  @Override
  public void close() {
    if (kept != null) {
      kept.unpersist();
      kept = null;
    }
  }

  /**
   * Finished requests.
   *
   * @param rowKeys their keys
   * @param outputTokens what all answers of each have together
   */
  record Done(long[] rowKeys, int[] outputTokens) {
    int size() {
      return rowKeys.length;
    }
  }

  /**
   * Real over predicted seconds of the engine steps in the ledger; NaN if there are none or nothing
   * was predicted.
   */
  double timeError() {
    if (pieces(PieceName.Kind.STEPS).isEmpty()) {
      return Double.NaN;
    }
    Row sums =
        steps()
            .where(col("predicted_seconds").gt(0))
            .agg(sum("seconds"), sum("predicted_seconds"))
            .first();
    return sums.isNullAt(1) ? Double.NaN : sums.getDouble(0) / sums.getDouble(1);
  }

  /**
   * Requests of which every answer is in the ledger: {@code row_key, output_tokens} (of all answers
   * together).
   */
  Dataset<Row> doneRows() {
    Dataset<Row> needed = runnable().select(col("row_key"), col("params").getField("n").as("n"));
    return Outcomes.complete(outcomes(), needed);
  }

  /** The same on the driver. */
  Done done() {
    if (pieces(PieceName.Kind.RESULTS).isEmpty()) {
      return new Done(new long[0], new int[0]);
    }
    List<DoneBlock> blocks =
        doneRows()
            .toJavaRDD()
            .mapPartitions(rows -> List.of(DoneBlock.of(rows)).iterator())
            .collect();
    int size = blocks.stream().mapToInt(b -> b.keys().length).sum();
    long[] keys = new long[size];
    int[] tokens = new int[size];
    int filled = 0;
    for (DoneBlock block : blocks) {
      System.arraycopy(block.keys(), 0, keys, filled, block.keys().length);
      System.arraycopy(block.tokens(), 0, tokens, filled, block.keys().length);
      filled += block.keys().length;
    }
    return new Done(keys, tokens);
  }

  private List<Piece> pieces(PieceName.Kind kind) {
    try {
      return Ledger.list(folder.fs(), folder.ledger(), kind);
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.STORAGE_FAILED, "the ledger cannot be read: " + e.getMessage(), e);
    }
  }
}
