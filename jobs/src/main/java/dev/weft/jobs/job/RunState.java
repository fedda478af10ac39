package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.LedgerRows;
import dev.weft.jobs.ledger.Outcomes;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.prepare.Duplicates;
import dev.weft.jobs.state.InputContent;
import dev.weft.jobs.state.Lease;
import dev.weft.jobs.state.RunFolder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;

/** The tables in a run's folder. */
final class RunState implements AutoCloseable {
  private static final String ROWS = "rows";
  private static final String DUPLICATES = "duplicates";

  private final SparkSession spark;
  private final RunFolder folder;
  private final LedgerRows.Damage damage;
  private Path tables;
  private Dataset<Row> kept;

  RunState(SparkSession spark, RunFolder folder) {
    this.spark = spark;
    this.folder = folder;
    this.damage = new LedgerRows.Damage(spark);
    this.tables = folder.prepared().orElse(null);
  }

  /** Whether an earlier start has prepared the rows. */
  boolean isPrepared() {
    return tables != null;
  }

  /**
   * Writes the prepared rows: all of them, or none that anyone reads.
   *
   * @throws WeftException if an earlier start has read other rows
   */
  void prepare(Dataset<Row> rows, Lease lease) {
    Path into = folder.newPrepared(lease.id());
    rows.write().mode(SaveMode.Overwrite).parquet(new Path(into, ROWS).toString());
    tables = into;
    requireSameInput();
    Duplicates.of(prepared())
        .write()
        .mode(SaveMode.Overwrite)
        .parquet(new Path(into, DUPLICATES).toString());
    lease.requireHeld();
    folder.markPrepared(into);
  }

  private void requireSameInput() {
    Row sums =
        prepared().agg(count(lit(1)), coalesce(expr("bit_xor(content_hash)"), lit(0L))).first();
    InputContent read = new InputContent(sums.getLong(0), "%016x".formatted(sums.getLong(1)));
    Optional<InputContent> before = folder.read(folder.inputContent(), InputContent.class);
    if (before.isPresent()) {
      before.get().requireSame(read, folder.runId());
    } else {
      folder.write(folder.inputContent(), read);
    }
  }

  /** All input rows, columns of {@code PreparedSchema}. */
  Dataset<Row> prepared() {
    return spark.read().parquet(new Path(tables, ROWS).toString());
  }

  /** Rows that do not run because of another, columns of {@code Duplicates}. */
  Dataset<Row> duplicates() {
    return spark.read().parquet(new Path(tables, DUPLICATES).toString());
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
    return LedgerRows.results(spark, folder.pieces(PieceName.Kind.RESULTS), damage);
  }

  /** Every step in the ledger. */
  Dataset<Row> steps() {
    return LedgerRows.steps(spark, folder.pieces(PieceName.Kind.STEPS), damage);
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
   * Real over predicted seconds of the engine steps in the ledger; NaN if there are none or nothing
   * was predicted.
   */
  double timeError() {
    if (folder.pieces(PieceName.Kind.STEPS).isEmpty()) {
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

  /** Number of requests of which every answer is in the ledger. */
  long countDone() {
    return doneRows().count();
  }

  /**
   * The same as {@link #doneRows} on the driver, which holds as much however many are done: blocks
   * of them come one after the other.
   *
   * @param rowKeys keys of all requests, ascending
   * @return by place among the keys, the tokens of all answers of a request together; -1 where some
   *     answer is not in the ledger
   */
  int[] doneTokens(long[] rowKeys) {
    int[] tokens = new int[rowKeys.length];
    Arrays.fill(tokens, -1);
    if (!folder.pieces(PieceName.Kind.RESULTS).isEmpty()) {
      doneRows()
          .repartition(blocks(rowKeys.length), col("row_key"))
          .toJavaRDD()
          .mapPartitions(rows -> List.of(DoneBlock.of(rows)).iterator())
          .toLocalIterator()
          .forEachRemaining(block -> block.into(rowKeys, tokens));
    }
    return tokens;
  }

  private static int blocks(int requests) {
    return Math.max(1, Math.ceilDiv(requests, DoneBlock.MOST_ROWS));
  }

  /** Pieces of the ledger that were left out, each with what is wrong with it. */
  SortedSet<String> damaged() {
    return damage.found();
  }
}
