package dev.weft.jobs.job;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.PowerModel;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.infer.EngineSlots;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.plan.DeviceRates;
import dev.weft.jobs.plan.Goals;
import dev.weft.jobs.plan.PlannedWork;
import dev.weft.jobs.plan.PrefixText;
import dev.weft.jobs.plan.SampledSpeed;
import dev.weft.jobs.plan.TimeError;
import dev.weft.jobs.plan.Totals;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.Stage;
import dev.weft.jobs.state.Lease;
import dev.weft.jobs.state.RunFolder;
import dev.weft.jobs.state.RunTotals;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;

/** Plans the requests of a run, and runs them as planned. */
final class PlanStage {
  /** Heap bytes of the driver for each token that it plans: tokens, copies, tree and orders. */
  private static final int HEAP_BYTES_PER_TOKEN = 32;

  private final Context context;
  private final WeftConfig config;
  private final Totals totals;
  private final Sizing sizing;
  private final CostModel cost;
  private final RequestPlanner planner;
  private DeviceRates rates;
  private double correction = 1;

  /**
   * What a run knows before it plans.
   *
   * @param slots where engines are
   * @param lease the right to work on the run
   * @param counts input rows by kind
   * @param start number of this start
   * @param rates measured rates of the device
   * @param warn hears what the user should know
   */
  record Context(
      SparkSession spark,
      EngineSlots slots,
      WeftConfig config,
      JobSetup setup,
      RunFolder folder,
      RunState state,
      Lease lease,
      RowCounts counts,
      int start,
      DeviceRates rates,
      StageClock clock,
      ProgressListener listener,
      Consumer<String> warn) {}

  PlanStage(Context context) {
    this.context = context;
    config = context.config();
    rates = context.rates();
    cost = cost();
    totals = Totals.of(context.state().runnable());
    sizing =
        Sizing.of(
            context.spark(),
            context.slots(),
            config,
            context.setup(),
            totals.promptTokens() + totals.maxOutputTokens());
    planner = planner();
  }

  private CostModel cost() {
    return Goals.with(
        rates.cost(context.setup().model().shape(config.engine().kvFormat())), config);
  }

  private RequestPlanner planner() {
    PlanLimits limits = new PlanLimits(config, sizing);
    long most =
        config.plan().driverTokens() > 0
            ? config.plan().driverTokens()
            : Runtime.getRuntime().maxMemory() / HEAP_BYTES_PER_TOKEN;
    String sizes =
        String.format(
            Locale.ROOT,
            "%,d prompt tokens, plan.driverTokens is %,d",
            totals.promptTokens(),
            most);
    return totals.promptTokens() <= most
        ? new OneLevelPlanner(context, limits, cost, new PlanLevel(1, sizes, 1), this::prefixText)
        : new TwoLevelPlanner(context, limits, cost, totals, most, sizes, this::prefixText);
  }

  private PrefixText prefixText() {
    try (Model model =
        Model.open(
            context
                .setup()
                .modelFile()
                .local(context.spark().sparkContext().hadoopConfiguration()))) {
      return new PrefixText(model.tokenizer());
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.MODEL_UNREADABLE, "the model cannot be read: " + e.getMessage(), e);
    }
  }

  /** Requests of which every answer is in the ledger. */
  long done() {
    return planner.doneRequests();
  }

  /** The plan of all requests with what is known now. */
  PlanSummary plan() {
    return summary(planner.doneRequests() > 0 ? "ledger" : "max_tokens");
  }

  /** Runs the sample, plans what is left, and runs that. */
  PlanSummary inferAll(InferStage infer) {
    RowCounts counts = context.counts();
    context
        .folder()
        .write(
            context.folder().totals(),
            new RunTotals(
                counts.rows(),
                counts.errors(),
                counts.duplicates(),
                totals.requests(),
                totals.answers()));
    EngineSpec engine =
        sizing.engine(config, context.setup(), stepMetricsEvery()).withCostModel(cost);
    boolean resumed = planner.doneRequests() > 0;
    boolean sampled = sample(infer, engine);
    String lengths = resumed ? "ledger" : sampled ? "sample" : "max_tokens";
    PlanSummary summary = context.clock().time(Stage.PLAN, () -> summary(lengths));
    context.folder().write(context.folder().plan(), summary);
    if (planner.doneRequests() < totals.requests()) {
      context.clock().run(Stage.INFER, () -> runLeft(infer, engine));
    }
    context.lease().requireHeld();
    context.state().keepOutcomes();
    long finished = context.state().countDone();
    warnOfDamage();
    if (finished < totals.requests()) {
      throw new WeftException(
          ErrorCode.STORAGE_FAILED,
          "%d of %d requests have no whole result in the ledger; the next start runs them"
              .formatted(totals.requests() - finished, totals.requests()));
    }
    return summary;
  }

  private void warnOfDamage() {
    SortedSet<String> damaged = context.state().damaged();
    if (!damaged.isEmpty()) {
      context
          .warn()
          .accept(
              "%d pieces of the ledger were left out, and their requests run again: %s%s"
                  .formatted(
                      damaged.size(),
                      damaged.stream().limit(3).collect(Collectors.joining(", ")),
                      damaged.size() > 3 ? ", ..." : ""));
    }
  }

  /** Runs some requests first, so that they tell output lengths; false if that is not needed. */
  private boolean sample(InferStage infer, EngineSpec engine) {
    double fraction = config.plan().sampleFraction();
    int wanted =
        (int)
            Math.min(
                Integer.MAX_VALUE / 2,
                Math.max(
                    config.plan().sampleMinRequests(), Math.ceil(fraction * totals.requests())));
    if (fraction == 0 || planner.doneRequests() >= wanted || totals.requests() < 2L * wanted) {
      return false;
    }
    Optional<PlannedWork> first = planner.sample(wanted);
    first.ifPresent(
        work ->
            context
                .clock()
                .run(
                    Stage.SAMPLE,
                    () -> {
                      run(infer, work, engine);
                      correct(infer.power());
                      planner.readDone();
                    }));
    return first.isPresent();
  }

  /**
   * Corrects the calibration by the steps of the sample, and learns the power of the device. The
   * engines go on with the cost model they were opened with: one factor changes no order, and a new
   * one would load the weights again.
   */
  private void correct(PowerModel power) {
    rates = rates.withPower(power);
    SampledSpeed.of(context.state().steps(), context.start())
        .ifPresent(
            speed -> {
              rates = rates.correctedBySample(speed);
              correction = speed.factor();
            });
    planner.use(cost());
  }

  /** The ledger's predictions are those of the engines, not corrected ones. */
  private TimeError timeError() {
    return new TimeError(context.state().timeError() / correction, rates.info().spread());
  }

  private void runLeft(InferStage infer, EngineSpec engine) {
    planner
        .left()
        .ifPresent(
            work -> {
              run(infer, work, engine);
              infer.predicted(work);
            });
  }

  private void run(InferStage infer, PlannedWork work, EngineSpec engine) {
    infer.run(context.state().prepared(), work, engine, planner.doneAnswers(), totals.answers());
  }

  private PlanSummary summary(String lengthSource) {
    long weightBytes = context.setup().model().weightBytes();
    if (totals.requests() == 0) {
      return PlanSummaries.empty(config, context.counts(), sizing, weightBytes, rates);
    }
    return PlanSummaries.of(
        config,
        context.counts(),
        planner.outline(timeError(), context.listener()::planning),
        sizing,
        weightBytes,
        rates,
        lengthSource,
        planner.doneRequests(),
        context.state());
  }

  /** All steps of a small run, at most some ten thousand of a large one. */
  int stepMetricsEvery() {
    if (config.metrics().stepSampling() > 0) {
      return config.metrics().stepSampling();
    }
    long steps =
        totals.promptTokens() / config.engine().budgetTokens()
            + planner.expectedOutputTokens()
                / Math.min(config.engine().maxSequences(), Math.max(1, totals.requests()));
    return (int) Math.max(1, steps / 20_000);
  }
}
