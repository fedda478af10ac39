package dev.weft.jobs.metrics;

import dev.weft.jobs.run.RunSummary;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The row of table {@code run}: the summary's numbers as columns. */
public final class RunRow {
  private StructType type = new StructType();
  private final List<Object> values = new ArrayList<>();

  private RunRow() {}

  /** The row of a run. */
  public static Dataset<Row> of(SparkSession spark, RunSummary run, MetricsTables.Origin origin) {
    RunRow row = new RunRow();
    row.text("outcome", run.outcome().name().toLowerCase(Locale.ROOT));
    row.add("started_at", DataTypes.TimestampType, Timestamp.from(Instant.parse(run.startedAt())));
    row.count("starts", run.starts());
    row.number("total_seconds", run.totalSeconds());
    row.count("rows", run.rows().total());
    row.count("answered_rows", run.rows().answered());
    row.count("error_rows", run.rows().errors());
    row.count("deduplicated_rows", run.rows().deduplicated());
    row.count("resumed_requests", run.rows().resumed());
    row.count("prompt_tokens", run.tokens().prompt());
    row.count("shared_prompt_tokens", run.tokens().sharedPrompt());
    row.count("computed_prompt_tokens", run.tokens().computedPrompt());
    row.count("reusable_prompt_tokens", run.tokens().reusablePrompt());
    row.count("deduplicated_prompt_tokens", run.tokens().deduplicatedPrompt());
    row.count("output_tokens", run.tokens().output());
    row.number("infer_seconds", run.throughput().inferSeconds());
    row.number("requests_per_second", run.throughput().requestsPerSecond());
    row.number("tokens_per_second", run.throughput().tokensPerSecond());
    row.number("computed_tokens_per_second", run.throughput().computedTokensPerSecond());
    row.number("output_tokens_per_second", run.throughput().outputTokensPerSecond());
    row.text("policy", run.plan() == null ? null : run.plan().policy());
    row.number("predicted_seconds", predicted(run));
    row.number("energy_joules", run.energy().joules());
    row.text("energy_source", run.energy().source());
    row.number("mean_watts", run.energy().meanWatts());
    row.number("joules_per_token", run.energy().joulesPerToken());
    row.number("joules_per_output_token", run.energy().joulesPerOutputToken());
    row.number("cost_money", run.energy().money());
    row.text("cost_currency", run.energy().currency());
    row.number("accuracy", run.accuracy() == null ? null : run.accuracy().accuracy());
    row.number(
        "accuracy_per_watt", run.accuracy() == null ? null : run.accuracy().accuracyPerWatt());
    row.count("engines", run.engine().engines());
    row.count("threads", run.engine().threads());
    row.count("kv_tokens", run.engine().kvTokens());
    row.count("step_budget_tokens", run.engine().stepTokens());
    row.count("context_tokens", run.engine().contextTokens());
    row.number("engine_load_seconds", run.engine().loadSeconds());
    row.text("backend", origin.backend());
    row.text("device", origin.device());
    row.text("weight_formats", origin.weightFormats());
    row.text("kv_format", origin.kvFormat());
    row.text("model_name", origin.modelName());
    row.text("model_sha256", origin.modelSha256());
    row.text("weft_version", origin.weftVersion());
    row.text("weft_commit", origin.weftCommit());
    return spark.createDataFrame(List.of(RowFactory.create(row.values.toArray())), row.type);
  }

  private static Double predicted(RunSummary run) {
    if (run.plan() == null) {
      return null;
    }
    return run.plan().predictions().stream()
        .filter(p -> p.policy().equals(run.plan().policy()))
        .map(p -> p.predictedSeconds())
        .findFirst()
        .orElse(null);
  }

  private void text(String name, String value) {
    add(name, DataTypes.StringType, value);
  }

  private void count(String name, long value) {
    add(name, DataTypes.LongType, value);
  }

  /** What is not a number is not known: null in the table. */
  private void number(String name, Double value) {
    add(name, DataTypes.DoubleType, value == null || value.isNaN() ? null : value);
  }

  private void add(String name, DataType dataType, Object value) {
    type = type.add(name, dataType);
    values.add(value);
  }
}
