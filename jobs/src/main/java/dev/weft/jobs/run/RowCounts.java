package dev.weft.jobs.run;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import dev.weft.jobs.prepare.Duplicates;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Prepared rows counted.
 *
 * @param rows all
 * @param errors those that cannot run, rows whose id is taken included
 * @param duplicates those that take the answer of an earlier row
 * @param duplicatePromptTokens their prompt tokens
 * @param messageRows rows with messages
 * @param cutRows rows whose prompt was cut
 */
record RowCounts(
    long rows,
    long errors,
    long duplicates,
    long duplicatePromptTokens,
    long messageRows,
    long cutRows) {

  static RowCounts of(Dataset<Row> prepared, Dataset<Row> duplicates) {
    Dataset<Row> kinds =
        duplicates.select(col("row_key").as("duplicate_key"), col("kind").as("duplicate_kind"));
    Column failed = col("error_code").isNotNull();
    Column sameId = col("duplicate_kind").equalTo(Duplicates.ID);
    Column sameRequest = col("duplicate_kind").equalTo(Duplicates.REQUEST);
    Row row =
        prepared
            .join(kinds, col("row_key").equalTo(col("duplicate_key")), "left")
            .agg(
                count(lit(1)),
                count(when(failed.or(sameId), lit(1))),
                count(when(sameRequest, lit(1))),
                coalesce(sum(when(sameRequest, col("prompt_tokens"))), lit(0L)),
                count(when(col("prompt_kind").equalTo("messages"), lit(1))),
                count(when(col("cut_tokens").gt(0), lit(1))))
            .first();
    return new RowCounts(
        row.getLong(0),
        row.getLong(1),
        row.getLong(2),
        row.getLong(3),
        row.getLong(4),
        row.getLong(5));
  }
}
