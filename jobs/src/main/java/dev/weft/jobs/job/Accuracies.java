package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ingest.InputFile;
import dev.weft.jobs.ingest.InputSet;
import dev.weft.jobs.run.RunSummary.Accuracy;
import dev.weft.jobs.run.RunSummary.TaskAccuracy;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Scores answers against expected ones: exact match, white space at both ends left out. */
final class Accuracies {
  private static final StructType EXPECTED =
      new StructType()
          .add("custom_id", DataTypes.StringType)
          .add("task", DataTypes.StringType)
          .add("expected", DataTypes.StringType);

  private static final String WHITE_SPACE = " \t\r\n";

  private Accuracies() {}

  static Accuracy of(
      SparkSession spark,
      InputSet files,
      Dataset<Row> results,
      double meanWatts,
      List<String> warnings) {
    Dataset<Row> expected =
        spark
            .read()
            .schema(EXPECTED)
            .json(files.files().stream().map(InputFile::path).toArray(String[]::new))
            .where(col("custom_id").isNotNull().and(col("expected").isNotNull()))
            .dropDuplicates("custom_id");
    // The row whose id was taken is not the one that the answer is expected of.
    Dataset<Row> answers =
        results
            .where(coalesce(col("error.code"), lit("")).notEqual(ErrorCode.ID_DUPLICATE.name()))
            .select(col("id"), col("text"), lit(true).as("found"));
    Column right = trim(col("text"), WHITE_SPACE).equalTo(trim(col("expected"), WHITE_SPACE));
    List<TaskAccuracy> tasks = new ArrayList<>();
    long rows = 0;
    long correct = 0;
    long missing = 0;
    for (Row row :
        expected
            .join(answers, col("custom_id").equalTo(col("id")), "left")
            .groupBy(coalesce(col("task"), lit("")).as("task"))
            .agg(count(col("found")), count(when(right, lit(1))), count(lit(1)))
            .orderBy("task")
            .collectAsList()) {
      tasks.add(
          new TaskAccuracy(
              row.getString(0),
              row.getLong(1),
              row.getLong(2),
              share(row.getLong(2), row.getLong(1))));
      rows += row.getLong(1);
      correct += row.getLong(2);
      missing += row.getLong(3) - row.getLong(1);
    }
    if (rows + missing == 0) {
      throw new WeftException(
          ErrorCode.INPUT_SCHEMA,
          files.files().getFirst().path() + " has no line with custom_id and expected");
    }
    if (missing > 0) {
      warnings.add(missing + " expected answers belong to no row of the input");
    }
    double accuracy = share(correct, rows);
    return new Accuracy(rows, correct, accuracy, accuracy / meanWatts, tasks);
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
