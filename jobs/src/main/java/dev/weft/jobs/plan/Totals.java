package dev.weft.jobs.plan;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import dev.weft.jobs.prepare.PreparedSchema;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Sums over the requests that can run.
 *
 * @param requests their number
 * @param answers answers that they draw
 * @param promptTokens tokens of their prompts
 * @param maxOutputTokens most tokens of all answers
 */
public record Totals(long requests, long answers, long promptTokens, long maxOutputTokens) {

  /**
   * @param runnable rows of {@link PreparedSchema} without errors
   */
  public static Totals of(Dataset<Row> runnable) {
    Column params = col(PreparedSchema.PARAMS);
    Column answers = params.getField("n").cast("bigint");
    Row row =
        runnable
            .agg(
                count(lit(1)),
                orZero(sum(answers)),
                orZero(sum(col(PreparedSchema.PROMPT_TOKENS).cast("bigint"))),
                orZero(sum(answers.multiply(params.getField("max_tokens")))))
            .first();
    return new Totals(row.getLong(0), row.getLong(1), row.getLong(2), row.getLong(3));
  }

  private static Column orZero(Column sum) {
    return coalesce(sum, lit(0L));
  }
}
