package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
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
    Row all =
        prepared
            .agg(
                count(lit(1)),
                count(col("error_code")),
                count(when(col("prompt_kind").equalTo("messages"), lit(1))),
                count(when(col("cut_tokens").gt(0), lit(1))))
            .first();
    Column sameRequest = col("kind").equalTo(Duplicates.REQUEST);
    Row later =
        duplicates
            .agg(
                count(when(not(sameRequest.or(col("own_error"))), lit(1))),
                count(when(sameRequest, lit(1))),
                coalesce(sum(when(sameRequest, col("prompt_tokens"))), lit(0L)))
            .first();
    return new RowCounts(
        all.getLong(0),
        all.getLong(1) + later.getLong(0),
        later.getLong(1),
        later.getLong(2),
        all.getLong(2),
        all.getLong(3));
  }
}
