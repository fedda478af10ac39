package dev.weft.jobs.config;

import dev.weft.batching.cost.Prices;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.kv.KvFormat;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The configuration of a job, checked and typed. Every component carries the name of its key in
 * {@code reference.conf}, where its meaning is documented. A text that is not set is empty; a
 * number left to Weft ({@code auto}) is 0.
 */
public record WeftConfig(
    Input input,
    Output output,
    Run run,
    Model model,
    Sampling sampling,
    Engine engine,
    Plan plan,
    Calibration calibration,
    Ledger ledger,
    Metrics metrics,
    Cost cost,
    Spark spark)
    implements Serializable {

  /** Input formats; {@code AUTO} looks at the paths. */
  public enum Format {
    AUTO,
    JSONL,
    PARQUET,
    DELTA
  }

  /** What becomes of a prompt that leaves no room for its answer in the context. */
  public enum LongPrompts {
    ERROR,
    KEEP_START,
    KEEP_END
  }

  /** Kernel backends; {@code AUTO} takes the fastest healthy one. */
  public enum Backend {
    AUTO,
    TORNADO,
    VECTOR,
    SCALAR
  }

  /** What a plan makes little of. */
  public enum Goal {
    TIME,
    ENERGY,
    COST
  }

  /** Where requests and expected answers come from. */
  public record Input(
      List<String> paths,
      Format format,
      int maxLineBytes,
      int maxPromptBytes,
      LongPrompts longPrompts,
      String expectedPath)
      implements Serializable {}

  /** Where everything is written. */
  public record Output(String path) implements Serializable {}

  /** Identity of the run and what it does with rows; {@code id} is empty for {@code auto}. */
  public record Run(String id, long seed, boolean deduplicate, boolean failOnError)
      implements Serializable {}

  /** The model file; {@code contextTokens} is 0 for the model's own limit. */
  public record Model(String path, String chatTemplate, int contextTokens)
      implements Serializable {}

  /** Sampling parameters of requests that do not set their own. */
  public record Sampling(
      int maxTokens,
      double temperature,
      double topP,
      int topK,
      double minP,
      double repetitionPenalty,
      double frequencyPenalty,
      double presencePenalty)
      implements Serializable {}

  /** One executor's engine; {@code threads} and {@code kvBytes} are 0 for {@code auto}. */
  public record Engine(
      Backend backend,
      int threads,
      int budgetTokens,
      int maxSequences,
      long kvBytes,
      KvFormat kvFormat,
      boolean tensorCores,
      CudaGraphs cudaGraphs,
      int pageTokens,
      int tries,
      int stepTimeoutSeconds,
      int drainSeconds)
      implements Serializable {}

  /**
   * How requests are ordered and cut; {@code policy} names one of {@link SchedulingPolicies} or is
   * {@link #AUTO_POLICY}, {@code partitions} and {@code driverTokens} are 0 for {@code auto}.
   */
  public record Plan(
      Goal objective,
      String policy,
      int partitions,
      double sampleFraction,
      int sampleMinRequests,
      long driverTokens)
      implements Serializable {
    /** Leaves the policy to the predictions. */
    public static final String AUTO_POLICY = "auto";
  }

  /**
   * Where measured rates are kept; {@code folder} is never empty, {@code seconds} is 0 for {@code
   * auto}.
   */
  public record Calibration(String folder, boolean refresh, int seconds) implements Serializable {}

  /** When finished requests become durable. */
  public record Ledger(int pieceRows, int pieceSeconds) implements Serializable {}

  /** {@code stepSampling} is 0 for {@code auto}. */
  public record Metrics(int stepSampling) implements Serializable {}

  /** Prices, 0 for none. */
  public record Cost(double pricePerHour, double pricePerKwh, String currency)
      implements Serializable {
    /** The same for the cost model. */
    public Prices prices() {
      return new Prices(pricePerHour, pricePerKwh, currency);
    }
  }

  /** Where Spark runs when Weft starts it. */
  public record Spark(String master) implements Serializable {}

  /** The embedded defaults; input, output and model are still missing. */
  public static WeftConfig defaults() {
    return ConfigSource.defaults().read();
  }

  /** The embedded defaults with some keys replaced, e.g. {@code "engine.threads" -> "2"}. */
  public static WeftConfig of(Map<String, String> overrides) {
    return ConfigSource.defaults().withOverrides("override", overrides).read();
  }

  /** Every key with its value as text, in the order of this record; for reports and manifests. */
  public Map<String, String> entries() {
    return ConfigEntries.of(this);
  }

  static WeftConfig read(ConfigReader in) {
    return new WeftConfig(
        new Input(
            in.texts("input.paths"),
            in.choice("input.format", Format.class),
            (int) in.bytes("input.maxLineBytes", 1 << 10, 1 << 30),
            (int) in.bytes("input.maxPromptBytes", 1, 1 << 30),
            in.choice("input.longPrompts", LongPrompts.class),
            in.text("input.expectedPath")),
        new Output(in.text("output.path")),
        new Run(
            runId(in),
            in.wholeNumber("run.seed", Long.MIN_VALUE, Long.MAX_VALUE),
            in.flag("run.deduplicate"),
            in.flag("run.failOnError")),
        new Model(
            in.text("model.path"),
            in.text("model.chatTemplate"),
            in.integerOrAuto("model.contextTokens", 8, Integer.MAX_VALUE)),
        new Sampling(
            in.integer("sampling.maxTokens", 1, 1 << 20),
            in.number("sampling.temperature", 0, 2),
            in.number("sampling.topP", 0, 1),
            in.integer("sampling.topK", 0, Integer.MAX_VALUE),
            in.number("sampling.minP", 0, 1),
            in.number("sampling.repetitionPenalty", 0.01, 10),
            in.number("sampling.frequencyPenalty", -2, 2),
            in.number("sampling.presencePenalty", -2, 2)),
        new Engine(
            in.choice("engine.backend", Backend.class),
            in.integerOrAuto("engine.threads", 1, 1024),
            in.integer("engine.budgetTokens", 1, 1 << 16),
            in.integer("engine.maxSequences", 1, 1 << 14),
            in.bytesOrAuto("engine.kvBytes", 1 << 16, 1L << 44),
            in.choice("engine.kvFormat", KvFormat.class),
            in.flag("engine.tensorCores"),
            in.choice("engine.cudaGraphs", CudaGraphs.class),
            in.integer("engine.pageTokens", 1, 1024),
            in.integer("engine.tries", 1, 100),
            in.integer("engine.stepTimeoutSeconds", 1, 86_400),
            in.integer("engine.drainSeconds", 0, 3_600)),
        new Plan(
            in.choice("plan.objective", Goal.class),
            in.name("plan.policy", policies()),
            in.integerOrAuto("plan.partitions", 1, 1 << 20),
            in.number("plan.sampleFraction", 0, 1),
            in.integer("plan.sampleMinRequests", 0, 1 << 20),
            in.wholeNumberOrAuto("plan.driverTokens", 1, Long.MAX_VALUE)),
        new Calibration(
            calibrationFolder(in),
            in.flag("calibration.refresh"),
            in.integerOrAuto("calibration.seconds", 1, 3600)),
        new Ledger(
            in.integer("ledger.pieceRows", 1, 1 << 20),
            in.integer("ledger.pieceSeconds", 1, 86_400)),
        new Metrics(in.integerOrAuto("metrics.stepSampling", 1, 1 << 20)),
        new Cost(
            in.number("cost.pricePerHour", 0, 1e6),
            in.number("cost.pricePerKwh", 0, 1e6),
            in.text("cost.currency")),
        new Spark(in.text("spark.master")));
  }

  private static List<String> policies() {
    return Stream.concat(
            Stream.of(Plan.AUTO_POLICY),
            SchedulingPolicies.all().stream().map(SchedulingPolicy::name))
        .toList();
  }

  private static String runId(ConfigReader in) {
    String id = in.textOrAuto("run.id");
    if (!id.matches("[A-Za-z0-9._-]{0,120}") || id.startsWith(".") || id.startsWith("-")) {
      throw new ConfigException(
          "run.id = %s is not a name for a folder; use letters, digits, '.', '_' and '-', at most 120, and begin with none of '.' and '-'"
              .formatted(id));
    }
    return id;
  }

  private static String calibrationFolder(ConfigReader in) {
    String folder = in.textOrAuto("calibration.folder");
    return folder.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".cache", "weft").toString()
        : folder;
  }
}
