package dev.weft.jobs.ledger;

import static org.apache.spark.sql.functions.array_sort;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min_by;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.sum;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Ledger results without repetitions. */
public final class Outcomes {
  private Outcomes() {}

  /**
   * Each request and sample once, columns of {@link LedgerRows#RESULTS_TYPE}. Of repetitions, whose
   * answers are the same, the one of the first piece by name stays.
   */
  public static Dataset<Row> distinct(Dataset<Row> results) {
    List<Column> rest = new ArrayList<>();
    for (String name : results.columns()) {
      if (!name.equals("row_key") && !name.equals("sample")) {
        rest.add(col(name));
      }
    }
    return results
        .groupBy("row_key", "sample")
        .agg(min_by(struct(rest.toArray(Column[]::new)), col("piece")).as("rest"))
        .select("row_key", "sample", "rest.*");
  }

  /**
   * Each request once: {@code row_key} and {@code samples}, an array of structs in the order of
   * samples.
   */
  public static Dataset<Row> byRequest(Dataset<Row> distinct) {
    List<Column> fields = new ArrayList<>();
    fields.add(col("sample"));
    for (String name : distinct.columns()) {
      if (!name.equals("row_key") && !name.equals("sample")) {
        fields.add(col(name));
      }
    }
    return distinct
        .groupBy("row_key")
        .agg(array_sort(collect_list(struct(fields.toArray(Column[]::new)))).as("samples"));
  }

  /**
   * Requests whose every sample is in the ledger: {@code row_key, output_tokens} (bigint, all
   * samples together).
   *
   * @param distinct each request and sample once
   * @param needed columns {@code row_key, n}
   */
  public static Dataset<Row> complete(Dataset<Row> distinct, Dataset<Row> needed) {
    Dataset<Row> counted =
        distinct
            .groupBy(col("row_key").as("done_key"))
            .agg(
                count(lit(1)).as("samples"),
                count(col("error_code")).as("errors"),
                sum("output_tokens").as("output_tokens"));
    return needed
        .join(counted, col("row_key").equalTo(col("done_key")))
        .where(col("samples").geq(col("n")).or(col("errors").gt(0)))
        .select("row_key", "output_tokens");
  }
}
