package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min_by;
import static org.apache.spark.sql.functions.sum;

import dev.weft.jobs.config.BuildInfo;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.metrics.MetricsTables;
import dev.weft.jobs.metrics.RunRow;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.EngineInfo;
import dev.weft.jobs.run.RunSummary.ErrorCount;
import dev.weft.jobs.run.RunSummary.ModelInfo;
import dev.weft.jobs.run.RunSummary.Outcome;
import dev.weft.jobs.run.RunSummary.Output;
import dev.weft.jobs.run.RunSummary.Rows;
import dev.weft.jobs.run.RunSummary.Throughput;
import dev.weft.jobs.run.RunSummary.Tokens;
import dev.weft.jobs.run.RunSummary.Version;
import dev.weft.jobs.secret.Secrets;
import dev.weft.jobs.state.Manifest;
import dev.weft.jobs.state.RunFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Writes the metrics of a finished run and sums it up. */
final class Report {
  private final SparkSession spark;
  private final WeftConfig config;
  private final JobSetup setup;
  private final RunFolder folder;
  private final RunState state;
  private final Manifest manifest;
  private final RowCounts counts;

  Report(
      SparkSession spark,
      WeftConfig config,
      JobSetup setup,
      RunFolder folder,
      RunState state,
      Manifest manifest,
      RowCounts counts) {
    this.spark = spark;
    this.config = config;
    this.setup = setup;
    this.folder = folder;
    this.state = state;
    this.manifest = manifest;
    this.counts = counts;
  }

  /** What only the start itself knows. */
  record Facts(
      String startedAt,
      int start,
      StageClock clock,
      EngineFacts engine,
      InferStage infer,
      PlanSummary plan,
      String device,
      int stepMetricsEvery,
      long resumed,
      List<String> warnings) {}

  /** What requests add up to: their number, tokens, and where their energy comes from. */
  private record Sums(long count, long prompt, long shared, long output, String energySource) {}

  RunSummary write(Facts facts, Dataset<Row> results) {
    MetricsTables metrics = new MetricsTables(spark, folder.metrics(), manifest.runId());
    MetricsTables.Origin origin = origin(facts);
    metrics.writeRequests(state.outcomes(), state.prepared(), origin);
    metrics.writeSteps(state.steps(), facts.stepMetricsEvery(), origin);
    Dataset<Row> requests = metrics.read("requests");
    Sums sums = sums(requests);
    Sums mine = sums(requests.where(col("start").equalTo(facts.start())));
    List<ErrorCount> errors = errors(results);
    long errorRows = errors.stream().mapToLong(ErrorCount::rows).sum();
    List<String> warnings = new ArrayList<>(facts.warnings());
    RunSummary.Energy energy = energy(facts, mine);
    RunSummary summary =
        new RunSummary(
            manifest.runId(),
            errorRows == 0 ? Outcome.ALL_ANSWERED : Outcome.SOME_ERRORS,
            facts.startedAt(),
            facts.start(),
            facts.clock().totalSeconds(),
            new Version(
                BuildInfo.version(),
                BuildInfo.commit(),
                Runtime.version().toString(),
                spark.version()),
            new Output(
                Secrets.hide(config.output().path()),
                Secrets.hide(folder.results()),
                Secrets.hide(folder.metrics()),
                Secrets.hide(folder.path().toString())),
            modelInfo(),
            new EngineInfo(
                facts.engine().backend(),
                facts.device(),
                facts.engine().threads(),
                facts.engine().engines(),
                config.engine().kvFormat().label(),
                facts.engine().kvTokens(),
                config.engine().budgetTokens(),
                setup.contextTokens(),
                facts.engine().loadSeconds()),
            new Rows(
                counts.rows(),
                counts.rows() - errorRows,
                errorRows,
                deduplicated(results),
                facts.resumed()),
            errors,
            new Tokens(
                sums.prompt(),
                sums.shared(),
                sums.prompt() - sums.shared(),
                facts.plan().reusableTokens(),
                counts.duplicatePromptTokens(),
                sums.output()),
            throughput(facts.infer().seconds(), mine),
            facts.clock().times(),
            facts.plan(),
            facts.infer().times(),
            energy,
            setup.expected() == null
                ? null
                : Accuracies.of(spark, setup.expected(), results, energy.meanWatts(), warnings),
            StepSeries.of(metrics.read("steps"), facts.start(), facts.stepMetricsEvery()),
            warnings);
    metrics.writeRun(RunRow.of(spark, summary, origin));
    return summary;
  }

  private MetricsTables.Origin origin(Facts facts) {
    String formats =
        setup.model().weightFormats().keySet().stream().collect(Collectors.joining("+"));
    return new MetricsTables.Origin(
        facts.engine().backend(),
        facts.device(),
        formats,
        config.engine().kvFormat().label(),
        setup.model().name(),
        setup.modelFile().sha256(),
        BuildInfo.version(),
        BuildInfo.commit());
  }

  private ModelInfo modelInfo() {
    return new ModelInfo(
        setup.model().name(),
        setup.modelFile().path(),
        setup.modelFile().sha256(),
        setup.model().spec().architecture(),
        setup.model().parameters(),
        setup.model().weightFormats(),
        setup.modelFile().bytes(),
        setup.model().spec().contextLength());
  }

  private static Sums sums(Dataset<Row> requests) {
    Row row =
        requests
            .agg(
                count(lit(1)),
                coalesce(sum("prompt_tokens"), lit(0L)),
                coalesce(sum("shared_prompt_tokens"), lit(0L)),
                coalesce(sum("output_tokens"), lit(0L)),
                coalesce(max("energy_source"), lit("none")))
            .first();
    return new Sums(
        row.getLong(0), row.getLong(1), row.getLong(2), row.getLong(3), row.getString(4));
  }

  private static List<ErrorCount> errors(Dataset<Row> results) {
    List<ErrorCount> errors = new ArrayList<>();
    for (Row row :
        results
            .where(col("status").equalTo("error"))
            .groupBy(col("error.code"))
            .agg(count(lit(1)).as("rows"), min_by(col("error.message"), col("row_key")))
            .orderBy(col("rows").desc(), col("code"))
            .collectAsList()) {
      ErrorCode code = ErrorCode.valueOf(row.getString(0));
      errors.add(
          new ErrorCount(
              code.name(), code.category().label(), row.getLong(1), code.hint(), row.getString(2)));
    }
    return errors;
  }

  private static long deduplicated(Dataset<Row> results) {
    return results.where(col("answered_by_id").isNotNull()).count();
  }

  private static Throughput throughput(double seconds, Sums mine) {
    return new Throughput(
        seconds,
        rate(mine.count(), seconds),
        rate(mine.prompt() + mine.output(), seconds),
        rate(mine.prompt() - mine.shared() + mine.output(), seconds),
        rate(mine.output(), seconds));
  }

  private static double rate(double amount, double seconds) {
    return seconds == 0 ? 0 : amount / seconds;
  }

  private RunSummary.Energy energy(Facts facts, Sums mine) {
    double joules = facts.engine().energyJoules();
    double seconds = facts.infer().seconds();
    return new RunSummary.Energy(
        joules,
        mine.energySource(),
        rate(joules, seconds),
        rate(joules, mine.prompt() + mine.output()),
        rate(joules, mine.output()),
        config.cost().prices().money(seconds * Math.max(1, facts.engine().engines()), joules),
        config.cost().currency());
  }
}
