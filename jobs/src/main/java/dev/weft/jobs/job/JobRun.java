package dev.weft.jobs.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;

import dev.weft.jobs.config.BuildInfo;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.infer.DeviceCalibration;
import dev.weft.jobs.infer.EnginePool;
import dev.weft.jobs.infer.EngineSlots;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.ingest.Ingest;
import dev.weft.jobs.ledger.Outcomes;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.plan.DeviceRates;
import dev.weft.jobs.prepare.PrepareSpec;
import dev.weft.jobs.prepare.PreparedRows;
import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.Outcome;
import dev.weft.jobs.run.Stage;
import dev.weft.jobs.secret.Secrets;
import dev.weft.jobs.sink.ResultColumns;
import dev.weft.jobs.sink.ResultRows;
import dev.weft.jobs.sink.ResultTable;
import dev.weft.jobs.state.Lease;
import dev.weft.jobs.state.Manifest;
import dev.weft.jobs.state.RunConfiguration;
import dev.weft.jobs.state.RunFolder;
import dev.weft.jobs.store.StorageErrors;
import dev.weft.kernels.backend.Backends;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** One start of a job, stage by stage. */
final class JobRun {
  /** Results up to this size are one file; sorting more needs a pass of its own. */
  private static final long ONE_FILE_ROWS = 100_000;

  /** Tokens that the requests of a calibration hold at most. */
  private static final long CALIBRATION_TOKENS = 16_384;

  private final SparkSession spark;
  private final WeftConfig config;
  private final ProgressListener listener;
  private final StageClock clock;
  private final String startedAt = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
  private final List<String> warnings = new ArrayList<>();

  private JobSetup setup;
  private EngineSlots slots;
  private Manifest manifest;
  private RunFolder folder;
  private Lease lease;
  private RunState state;
  private RowCounts counts;
  private DeviceRates rates;

  JobRun(SparkSession spark, WeftConfig config, ProgressListener listener) {
    this.spark = spark;
    this.config = config;
    this.listener = listener;
    this.clock = new StageClock(listener);
  }

  PlanSummary plan() {
    begin();
    try {
      clock.run(Stage.PREPARE, this::prepare);
      try {
        clock.run(Stage.CALIBRATE, this::calibrate);
      } finally {
        EnginePool.closeUnused();
      }
      return clock.time(Stage.PLAN, () -> planning(0).plan());
    } finally {
      // A plan is no start of the run.
      lease.withdraw();
    }
  }

  RunSummary run() {
    begin();
    try {
      return runHeld();
    } finally {
      lease.close();
      ResultTable.forget(spark, folder.results());
    }
  }

  private RunSummary runHeld() {
    ResultTable results = new ResultTable(spark, folder.results());
    if (results.holds(manifest.runId())) {
      Optional<RunSummary> before = folder.read(folder.summary(), RunSummary.class);
      if (before.isPresent()) {
        lease.withdraw();
        return alreadyComplete(before.get());
      }
      if (!state.isPrepared()) {
        throw new WeftException(
            ErrorCode.OUTPUT_CONFLICT,
            "%s holds the rows of run %s, and what the run kept to go on was removed"
                .formatted(results.path(), manifest.runId()));
      }
    }
    folder.write(folder.configuration(), new RunConfiguration(Secrets.hide(config.entries())));
    int start = lease.start();
    clock.run(Stage.PREPARE, this::prepare);
    results.create(state.carried());
    InferStage infer = new InferStage(spark, slots, config, folder, start, listener);
    PlanStage planning;
    PlanSummary plan;
    long resumed;
    try {
      clock.run(Stage.CALIBRATE, this::calibrate);
      planning = planning(start);
      resumed = planning.done();
      plan = planning.inferAll(infer);
    } finally {
      infer.end();
      EnginePool.closeUnused();
    }
    try (RunState outcomes = state) {
      EngineFacts engine = EngineFacts.of(infer.reports(), folder);
      engine.warnings().forEach(this::warn);
      clock.run(Stage.COMMIT, () -> commit(results, outcomes.outcomes(), engine));
      return clock.time(
          Stage.REPORT,
          () ->
              report(
                  new Report.Facts(
                      startedAt,
                      start,
                      clock,
                      engine,
                      infer,
                      plan,
                      rates.info().device(),
                      planning.stepMetricsEvery(),
                      resumed,
                      warnings),
                  results.rows(manifest.runId())));
    }
  }

  private PlanStage planning(int start) {
    return new PlanStage(
        new PlanStage.Context(
            spark,
            slots,
            config,
            setup,
            folder,
            state,
            lease,
            counts,
            start,
            rates,
            clock,
            listener,
            this::warn));
  }

  private RunSummary report(Report.Facts facts, Dataset<Row> results) {
    RunSummary summary =
        new Report(spark, config, setup, folder, state, manifest, counts).write(facts, results);
    folder.write(folder.summary(), summary);
    writeReport(summary);
    return summary;
  }

  /**
   * Everything that must hold before any work: input, model, settings, and the run they belong to.
   */
  private void begin() {
    clock.run(
        Stage.PREFLIGHT,
        () -> {
          setup = JobSetup.check(spark, config);
          setup.warnings().forEach(this::warn);
          slots = slots();
          SortedMap<String, String> computes = setup.computes(config);
          String runId = config.run().id().isEmpty() ? Manifest.idOf(computes) : config.run().id();
          Configuration hadoop = spark.sparkContext().hadoopConfiguration();
          folder = new RunFolder(config.output().path(), runId, hadoop).make();
          lease = Lease.take(folder, Lease.Times.USUAL, this::warn);
          try {
            identify(runId, computes);
            state = new RunState(spark, folder);
          } catch (RuntimeException e) {
            lease.withdraw();
            throw e;
          }
        });
  }

  /** The run's manifest, written by its first start: what the run computes never changes. */
  private void identify(String runId, SortedMap<String, String> computes) {
    Optional<Manifest> before = folder.read(folder.manifest(), Manifest.class);
    if (before.isPresent()) {
      manifest = before.get();
      manifest.requireSame(computes);
      return;
    }
    if (!folder.pieces(PieceName.Kind.RESULTS).isEmpty()) {
      throw new WeftException(
          ErrorCode.STORAGE_FAILED,
          folder.path() + " holds finished requests, but what they answer cannot be read any more");
    }
    manifest = new Manifest(runId, startedAt, computes);
    folder.write(folder.manifest(), manifest);
  }

  private RunSummary alreadyComplete(RunSummary before) {
    Outcome outcome =
        before.outcome().hasErrors()
            ? Outcome.ALREADY_COMPLETE_SOME_ERRORS
            : Outcome.ALREADY_COMPLETE_ALL_ANSWERED;
    return before.withOutcome(outcome);
  }

  private void writeReport(RunSummary summary) {
    try {
      ReportFiles.write(spark.sparkContext().hadoopConfiguration(), summary, config);
    } catch (IOException e) {
      throw StorageErrors.of("the report cannot be written", e);
    }
  }

  private void prepare() {
    if (!state.isPrepared()) {
      PrepareSpec spec =
          new PrepareSpec(
              setup.modelFile(),
              setup.template(),
              manifest.templateDate(),
              setup.contextTokens(),
              config.input().longPrompts());
      Ingest.Rows input = Ingest.read(spark, setup.input(), config);
      // Names are checked before the input is read.
      ResultColumns.carriedNames(input.carried());
      state.prepare(PreparedRows.of(spark, input, spec, config.run().deduplicate()), lease);
    }
    counts = RowCounts.of(state.prepared(), state.duplicates());
    if (counts.messageRows() > 0 && setup.usesDefaultTemplate(config)) {
      warn(
          "the model has no chat template: messages are rendered as "
              + setup.model().defaultTemplate().name().toLowerCase(Locale.ROOT));
    }
    if (counts.cutRows() > 0) {
      warn(counts.cutRows() + " prompts were cut to fit the context (input.longPrompts)");
    }
    warnOfIgnoredFields();
    if (counts.errors() > 0) {
      String found = counts.errors() + " of " + counts.rows() + " rows cannot be answered";
      if (config.run().failOnError()) {
        throw new WeftException(ErrorCode.ROWS_FAILED, found + examples());
      }
      warn(found + "; each has an error row in the results");
    }
  }

  private void warnOfIgnoredFields() {
    List<Row> fields =
        state
            .prepared()
            .select(explode(col("ignored_fields")).as("field"))
            .groupBy("field")
            .count()
            .orderBy("field")
            .limit(50)
            .collectAsList();
    if (!fields.isEmpty()) {
      List<String> names = new ArrayList<>();
      fields.forEach(f -> names.add(f.getString(0) + " (" + f.getLong(1) + " rows)"));
      warn("fields without effect were ignored: " + String.join(", ", names));
    }
  }

  private String examples() {
    StringBuilder text = new StringBuilder();
    List<Row> rows =
        state
            .prepared()
            .where(col("error_code").isNotNull())
            .orderBy("row_key")
            .select("error_code", "source_file", "source_line", "error_message")
            .limit(3)
            .collectAsList();
    for (Row row : rows) {
      text.append(
          "%n  %s: %s line %d: %s"
              .formatted(row.getString(0), row.getString(1), row.getLong(2), row.getString(3)));
    }
    return text.toString();
  }

  /** Where engines are; says what GPUs are not used. */
  private EngineSlots slots() {
    boolean onDevice = Backends.onDevice(setup.backend());
    EngineSlots found =
        EngineSlots.of(spark.sparkContext().getConf(), spark.sparkContext().isLocal(), onDevice);
    if (found.gpus() > 0 && !onDevice) {
      warn(
          "executors hold GPUs that are not used: backend %s computes on processors"
              .formatted(setup.backend()));
    } else if (found.gpus() > found.engines()) {
      warn(
          "executors hold %d GPUs and have tasks for %d: give them more cores, or one GPU each"
              .formatted(found.gpus(), found.engines()));
    }
    return found;
  }

  private void calibrate() {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    EngineSpec engine =
        Sizing.of(spark, slots, config, setup, CALIBRATION_TOKENS).engine(config, setup, 1);
    rates =
        DeviceRates.of(
            DeviceCalibration.of(
                context,
                engine,
                setup.model().shape(config.engine().kvFormat()),
                slots,
                context.isLocal() ? setup.device() : context.master() + " " + setup.device(),
                Path.of(config.calibration().folder()),
                config.calibration().refresh(),
                config.calibration().seconds(),
                this::warn),
            engine);
  }

  private void commit(ResultTable results, Dataset<Row> outcomes, EngineFacts engine) {
    if (config.run().failOnError()) {
      List<Row> failed = outcomes.where(col("error_code").isNotNull()).limit(1).collectAsList();
      if (!failed.isEmpty()) {
        throw new WeftException(
            ErrorCode.ROWS_FAILED,
            "a request failed: " + failed.getFirst().<String>getAs("error_message"));
      }
    }
    ResultRows.Origin origin =
        new ResultRows.Origin(
            manifest.runId(),
            setup.model().name(),
            setup.modelFile().sha256(),
            setup.backend(),
            BuildInfo.version());
    Dataset<Row> rows =
        ResultRows.of(
            state.prepared(),
            state.duplicates(),
            Outcomes.byRequest(outcomes),
            state.carried(),
            origin);
    results.commit(
        manifest.runId(),
        counts.rows() <= ONE_FILE_ROWS
            ? rows.repartition(1).sortWithinPartitions("row_key")
            : rows.orderBy("row_key"),
        lease::requireHeld);
    long written = results.rows(manifest.runId()).count();
    if (written != counts.rows()) {
      throw new WeftException(
          ErrorCode.OUTPUT_CONFLICT,
          "%s holds %d of the %d rows of run %s: someone removed rows after the run was committed"
              .formatted(results.path(), written, counts.rows(), manifest.runId()));
    }
  }

  private void warn(String message) {
    String clean = Secrets.hide(message);
    warnings.add(clean);
    listener.warning(clean);
  }
}
