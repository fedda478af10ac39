package dev.weft.jobs.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.when;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.expressions.Window;

/**
 * Rows that do not run because of an earlier one: {@code row_key}, {@code kind} ({@code id}: the id
 * is taken; {@code request}: an identical deterministic request runs), {@code own_error} (whether
 * the row could not run anyway), {@code prompt_tokens}, and of the earlier row {@code of_row_key,
 * of_id, of_file, of_line}.
 */
public final class Duplicates {
  /** {@code kind} of rows whose id an earlier row has. */
  public static final String ID = "id";

  /** {@code kind} of rows that take the answer of an earlier row. */
  public static final String REQUEST = "request";

  private Duplicates() {}

  /** Finds the duplicates among prepared rows; the lowest row key stays. */
  public static Dataset<Row> of(Dataset<Row> prepared) {
    Column row = struct(col("row_key"), col("id"), col("source_file"), col("source_line"));
    Column hasId = col("id").isNotNull();
    Column shareable =
        col("request_key").isNotNull().and(col("error_code").isNull()).and(not(col("same_id")));
    // Rows without a key are groups of one.
    return prepared
        .select(
            "row_key",
            "id",
            "request_key",
            "error_code",
            "source_file",
            "source_line",
            "prompt_tokens")
        .withColumn(
            "first_of_id",
            min(row).over(Window.partitionBy(col("id"), when(not(hasId), col("row_key")))))
        .withColumn("same_id", hasId.and(col("first_of_id.row_key").lt(col("row_key"))))
        .withColumn("shareable", shareable)
        .withColumn(
            "first_of_request",
            min(row)
                .over(
                    Window.partitionBy(
                        when(col("shareable"), col("request_key")),
                        when(not(col("shareable")), col("row_key")))))
        .withColumn("same_request", col("first_of_request.row_key").lt(col("row_key")))
        .where(col("same_id").or(col("same_request")))
        .withColumn(
            "first", when(col("same_id"), col("first_of_id")).otherwise(col("first_of_request")))
        .select(
            col("row_key"),
            when(col("same_id"), lit(ID)).otherwise(lit(REQUEST)).as("kind"),
            col("error_code").isNotNull().as("own_error"),
            col("prompt_tokens"),
            col("first.row_key").as("of_row_key"),
            col("first.id").as("of_id"),
            col("first.source_file").as("of_file"),
            col("first.source_line").as("of_line"));
  }
}
