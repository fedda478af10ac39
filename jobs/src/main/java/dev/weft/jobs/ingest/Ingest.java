package dev.weft.jobs.ingest;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.config.WeftConfig.Format;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import io.delta.tables.DeltaTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/** Reads the input as rows, whatever its format. */
public final class Ingest {
  private static final long SPLIT_BYTES = 16L << 20;

  private Ingest() {}

  /**
   * @param rows every input row once, in no particular order; nothing is read before an action runs
   * @param carried columns that go to the result as they are; {@link IngestedRow#carried} holds
   *     them behind one field that is not used
   */
  public record Rows(JavaRDD<IngestedRow> rows, StructType carried) {}

  /** The same input with Delta tables at the version that they have now. */
  public static InputSet pinned(SparkSession spark, InputSet input) {
    if (input.format() != Format.DELTA) {
      return input;
    }
    List<InputFile> tables = new ArrayList<>();
    for (InputFile table : input.files()) {
      try {
        DeltaTable delta = DeltaTable.forPath(spark, table.path());
        long version = delta.history(1).select("version").first().getLong(0);
        String id = delta.detail().select("id").first().getString(0);
        tables.add(new InputFile(table.path(), 0, version, id));
      } catch (RuntimeException e) {
        throw unreadable(input, e);
      }
    }
    return new InputSet(input.format(), input.folder(), tables);
  }

  /**
   * Opens the input.
   *
   * @throws WeftException if a table lacks a column or cannot be read
   */
  public static Rows read(SparkSession spark, InputSet input, WeftConfig config) {
    if (input.format() == Format.JSONL) {
      JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
      return new Rows(JsonlRows.read(context, input, config, SPLIT_BYTES), new StructType());
    }
    try {
      // Sizes are checked before Spark looks into a file, be it for its schema only.
      TableRows.Table table = TableRows.read(tables(spark, input), config);
      return new Rows(table.rows(), table.carried());
    } catch (Exception e) {
      // Those of Spark are checked, and Scala does not declare them.
      throw WeftException.within(e) instanceof WeftException own ? own : unreadable(input, e);
    }
  }

  private static List<Dataset<Row>> tables(SparkSession spark, InputSet input)
      throws AnalysisException {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    if (input.format() == Format.DELTA) {
      List<Dataset<Row>> tables = new ArrayList<>();
      for (InputFile file : input.files()) {
        // The schema is in Delta's log.
        Dataset<Row> table =
            spark.read().format("delta").option("versionAsOf", file.version()).load(file.path());
        ParquetSizes.check(context, List.of(table.inputFiles()));
        tables.add(table);
      }
      return tables;
    }
    ParquetSizes.check(context, input.files().stream().map(InputFile::path).toList());
    DataFrameReader reader = spark.read().option("mergeSchema", "true");
    if (!input.folder().isEmpty()) {
      // Folders such as lang=en/ give a column.
      reader = reader.option("basePath", input.folder());
    }
    return List.of(
        reader.parquet(input.files().stream().map(InputFile::path).toArray(String[]::new)));
  }

  private static WeftException unreadable(InputSet input, Exception e) {
    return new WeftException(
        ErrorCode.INPUT_UNREADABLE,
        "%s cannot be read as %s: %s"
            .formatted(
                input.files().getFirst().path(),
                input.format().name().toLowerCase(Locale.ROOT),
                e.getMessage()),
        e);
  }
}
