package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.floor;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;

import dev.weft.jobs.run.RunSummary.StepPoint;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Steps of one start, gathered into at most a few hundred equal intervals of time. */
final class StepSeries {
  private static final int POINTS = 240;

  private StepSeries() {}

  /**
   * @param steps table {@code steps}
   * @param every one of this many steps is in the table; sums are scaled by it
   */
  static List<StepPoint> of(Dataset<Row> steps, int start, int every) {
    Column at = col("started_at").cast("double");
    Dataset<Row> mine = steps.where(col("start").equalTo(start)).withColumn("at", at);
    Row range = mine.agg(min("at"), max(col("at").plus(col("seconds"))), count(lit(1))).first();
    if (range.isNullAt(0)) {
      return List.of();
    }
    double from = range.getDouble(0);
    double span = Math.max(1e-9, range.getDouble(1) - from);
    int points = (int) Math.max(1, Math.min(POINTS, range.getLong(2)));
    double width = span / points;
    Column bucket =
        least(floor(col("at").minus(lit(from)).divide(lit(width))), lit((long) points - 1));
    List<StepPoint> series = new ArrayList<>();
    for (Row row :
        mine.groupBy(bucket.as("bucket"))
            .agg(
                count(lit(1)),
                total("prefill_tokens"),
                total("decode_tokens"),
                total("shared_prompt_tokens"),
                avg("running_sequences"),
                avg(col("kv_pages_used").divide(col("kv_pages_total"))),
                coalesce(sum("predicted_seconds"), lit(Double.NaN)),
                sum("seconds"),
                coalesce(sum("energy_joules"), lit(0.0)))
            .orderBy("bucket")
            .collectAsList()) {
      series.add(
          new StepPoint(
              (row.getLong(0) + 1) * width,
              width,
              row.getLong(1) * every,
              row.getLong(2) * every,
              row.getLong(3) * every,
              row.getLong(4) * every,
              row.getDouble(5),
              row.getDouble(6),
              row.getDouble(7) * every,
              row.getDouble(8) * every,
              row.getDouble(9) * every));
    }
    return series;
  }

  private static Column total(String column) {
    return coalesce(sum(col(column).cast("long")), lit(0L));
  }
}
