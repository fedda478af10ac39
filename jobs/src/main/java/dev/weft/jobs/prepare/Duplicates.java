package dev.weft.jobs.prepare;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Rows that do not run because of an earlier one: {@code row_key}, {@code kind} ({@code id}: the id
 * is taken; {@code request}: an identical deterministic request runs), and of the earlier row
 * {@code of_row_key, of_id, of_file, of_line}.
 */
public final class Duplicates {
  /** {@code kind} of rows whose id an earlier row has. */
  public static final String ID = "id";

  /** {@code kind} of rows that take the answer of an earlier row. */
  public static final String REQUEST = "request";

  private Duplicates() {}

  /** Finds the duplicates among prepared rows; the lowest row key stays. */
  public static Dataset<Row> of(Dataset<Row> prepared) {
    Dataset<Row> rows =
        prepared.select("row_key", "id", "request_key", "error_code", "source_file", "source_line");
    Dataset<Row> byId = later(rows, "id", ID);
    Dataset<Row> runnable =
        rows.where(col("error_code").isNull())
            .join(byId.select("row_key"), rowKeys("row_key"), "left_anti");
    Dataset<Row> byRequest = later(runnable, "request_key", REQUEST);
    Dataset<Row> earlier =
        rows.select(
            col("row_key").as("of_row_key"),
            col("id").as("of_id"),
            col("source_file").as("of_file"),
            col("source_line").as("of_line"));
    return byId.union(byRequest).join(earlier, rowKeys("of_row_key"), "inner");
  }

  private static Dataset<Row> later(Dataset<Row> rows, String key, String kind) {
    Dataset<Row> first =
        rows.where(col(key).isNotNull())
            .groupBy(col(key).as("group_key"))
            .agg(min("row_key").as("of_row_key"), count(lit(1)).as("members"))
            .where(col("members").gt(1));
    Column sameGroup = col(key).equalTo(col("group_key"));
    return rows.join(first, sameGroup.and(col("row_key").gt(col("of_row_key"))))
        .select(col("row_key"), lit(kind).as("kind"), col("of_row_key"));
  }

  private static String[] rowKeys(String name) {
    return new String[] {name};
  }
}
