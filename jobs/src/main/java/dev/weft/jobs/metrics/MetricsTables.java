package dev.weft.jobs.metrics;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.regexp_extract;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * The Parquet tables {@code run}, {@code steps} and {@code requests} in a folder of metrics, each
 * partitioned by run. Writing a run again replaces its rows.
 */
public final class MetricsTables {
  private final SparkSession spark;
  private final String folder;
  private final String runId;

  /** Tables of one run. */
  public MetricsTables(SparkSession spark, String folder, String runId) {
    this.spark = spark;
    this.folder = folder;
    this.runId = runId;
  }

  /**
   * What every metrics row says about where its numbers come from.
   *
   * @param backend kernel backend
   * @param device name of the device
   * @param weightFormats number formats of the weights
   * @param kvFormat number format of keys and values
   * @param modelName the model
   * @param modelSha256 hash of its file
   * @param weftVersion version of the program
   * @param weftCommit its source commit
   */
  public record Origin(
      String backend,
      String device,
      String weightFormats,
      String kvFormat,
      String modelName,
      String modelSha256,
      String weftVersion,
      String weftCommit) {
    List<Column> columns() {
      return List.of(
          lit(backend).as("backend"),
          lit(device).as("device"),
          lit(weightFormats).as("weight_formats"),
          lit(kvFormat).as("kv_format"),
          lit(modelName).as("model_name"),
          lit(modelSha256).as("model_sha256"),
          lit(weftVersion).as("weft_version"),
          lit(weftCommit).as("weft_commit"));
    }
  }

  /**
   * Writes one row for each request and sample that ran.
   *
   * @param outcomes columns of {@code LedgerRows.RESULTS_TYPE}, each request and sample once
   * @param prepared columns of {@code PreparedSchema}
   */
  public void writeRequests(Dataset<Row> outcomes, Dataset<Row> prepared, Origin origin) {
    Dataset<Row> ids =
        prepared.select(
            col("row_key").as("prepared_key"), col("id"), col("source_file"), col("source_line"));
    List<Column> columns =
        new ArrayList<>(
            List.of(
                col("id"),
                col("source_file"),
                col("source_line"),
                col("row_key"),
                col("sample"),
                regexp_extract(col("piece"), "-s(\\d+)-", 1).cast("int").as("start"),
                col("finish_reason"),
                col("error_code"),
                col("prompt_tokens"),
                col("shared_tokens").as("shared_prompt_tokens"),
                col("output_tokens"),
                col("recomputed_tokens"),
                col("queue_seconds"),
                col("prefill_seconds"),
                col("decode_seconds"),
                col("energy_joules"),
                col("energy_source")));
    columns.addAll(origin.columns());
    write(
        outcomes
            .join(ids, col("row_key").equalTo(col("prepared_key")))
            .select(columns.toArray(Column[]::new)),
        "requests");
  }

  /**
   * Writes one row for each engine step that was kept.
   *
   * @param steps columns of {@code LedgerRows.STEPS_TYPE}
   * @param every one of this many steps was kept
   */
  public void writeSteps(Dataset<Row> steps, int every, Origin origin) {
    List<Column> columns = new ArrayList<>();
    for (String name : steps.columns()) {
      columns.add(col(name).as(name.equals("shared_tokens") ? "shared_prompt_tokens" : name));
    }
    columns.add(lit(every).as("one_of_steps"));
    columns.addAll(origin.columns());
    write(steps.select(columns.toArray(Column[]::new)), "steps");
  }

  /** Writes the one row of the run. */
  public void writeRun(Dataset<Row> run) {
    write(run.coalesce(1), "run");
  }

  /** Reads back the rows of a table. */
  public Dataset<Row> read(String table) {
    return spark.read().parquet(path(table));
  }

  private void write(Dataset<Row> rows, String table) {
    rows.write().mode(SaveMode.Overwrite).parquet(path(table));
  }

  private String path(String table) {
    return folder + "/" + table + "/run_id=" + runId;
  }
}
