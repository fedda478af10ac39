package dev.weft.jobs.job;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.config.WeftConfig.Format;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.infer.Machine;
import dev.weft.jobs.ingest.Ingest;
import dev.weft.jobs.ingest.InputFile;
import dev.weft.jobs.ingest.InputResolver;
import dev.weft.jobs.ingest.InputSet;
import dev.weft.jobs.prepare.ModelFacts;
import dev.weft.jobs.prepare.ModelFile;
import dev.weft.jobs.secret.Secrets;
import dev.weft.jobs.state.Manifest;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.template.ChatTemplate;
import dev.weft.kernels.template.TemplateException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * What a job works on, checked before any work begins.
 *
 * @param input the input's files
 * @param expected files of expected answers; null for none
 * @param modelFile the model file
 * @param model what it holds
 * @param template source of the chat template in use
 * @param contextTokens longest sequence
 * @param backend kernel backend that computes all answers of the run
 * @param device what an executor of the run computes on
 * @param deviceBytes memory of the backend's device; 0 where it uses the host's
 * @param warnings what is not as one might think
 */
record JobSetup(
    InputSet input,
    InputSet expected,
    ModelFile modelFile,
    ModelFacts model,
    String template,
    int contextTokens,
    String backend,
    String device,
    long deviceBytes,
    List<String> warnings) {

  /**
   * Changes when the program computes other answers from the same settings: with every change of
   * tokenizing, rendering, sampling, or the order of additions in a kernel.
   */
  private static final String ANSWERS_VERSION = "1";

  static JobSetup check(SparkSession spark, WeftConfig config) {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    if (config.output().path().isBlank()) {
      throw new WeftException(ErrorCode.OPTION_INVALID, "output.path is not set");
    }
    checkEngine(config.engine());
    List<String> warnings = new ArrayList<>();
    InputResolver resolver = new InputResolver(hadoop);
    InputSet input =
        Ingest.pinned(spark, resolver.resolve(config.input().paths(), config.input().format()));
    InputSet expected =
        config.input().expectedPath().isBlank()
            ? null
            : resolver.resolve(List.of(config.input().expectedPath()), Format.JSONL);
    ModelFile file = ModelFile.find(config.model().path(), config.calibration().folder(), hadoop);
    ModelFacts model = ModelFacts.of(file.local(hadoop));
    String template = template(config, model);
    int trained = model.spec().contextLength();
    int context = config.model().contextTokens() > 0 ? config.model().contextTokens() : trained;
    if (context > trained) {
      warnings.add(
          "the context of %d tokens is longer than the %d that the model was made for"
              .formatted(context, trained));
    }
    Found backend = backend(spark, config.engine().backend());
    return new JobSetup(
        input,
        expected,
        file,
        model,
        template,
        context,
        backend.name,
        backend.device,
        backend.deviceBytes,
        warnings);
  }

  /**
   * What an executor says of the backend; a problem as a value, since Spark tries a task that
   * throws again and hides what it threw.
   */
  private record Found(String name, String device, long deviceBytes, String problem)
      implements Serializable {
    static Found of(String wanted) {
      try {
        BackendProvider provider = Backends.find(wanted);
        return new Found(
            provider.name(), Machine.device(provider, 0), provider.memoryBytes(0).orElse(0), "");
      } catch (IllegalArgumentException e) {
        return new Found(wanted, "", 0, e.getMessage());
      }
    }
  }

  /**
   * The backend behind {@code auto}, as an executor sees it. All executors get its name: answers of
   * two backends must not be mixed in one run.
   */
  private static Found backend(SparkSession spark, WeftConfig.Backend wanted) {
    String name = wanted.name().toLowerCase(Locale.ROOT);
    boolean local = spark.sparkContext().isLocal();
    Found found =
        local
            ? Found.of(name)
            : JavaSparkContext.fromSparkContext(spark.sparkContext())
                .parallelize(List.of(name), 1)
                .map(Found::of)
                .first();
    if (!found.problem.isEmpty()) {
      throw new WeftException(
          ErrorCode.OPTION_INVALID,
          "engine.backend%s: %s".formatted(local ? "" : " on executors", found.problem));
    }
    return found;
  }

  /** The engine knows best what it can be. */
  private static void checkEngine(WeftConfig.Engine engine) {
    try {
      EngineConfig.builder(Path.of("model"))
          .pageTokens(engine.pageTokens())
          .budgetTokens(engine.budgetTokens())
          .maxSequences(engine.maxSequences())
          .build();
    } catch (IllegalArgumentException e) {
      throw new WeftException(ErrorCode.OPTION_INVALID, e.getMessage(), e);
    }
  }

  /** Whether messages are rendered with a template that is not the model's. */
  boolean usesDefaultTemplate(WeftConfig config) {
    return config.model().chatTemplate().isBlank() && model.chatTemplate().isEmpty();
  }

  /** Everything that answers depend on, by name. */
  SortedMap<String, String> computes(WeftConfig config) {
    SortedMap<String, String> computes = new TreeMap<>();
    computes.put("answers version", ANSWERS_VERSION);
    computes.put("input", fingerprint());
    computes.put("input.format", input.format().name().toLowerCase(Locale.ROOT));
    computes.put("input.maxLineBytes", Integer.toString(config.input().maxLineBytes()));
    computes.put("input.maxPromptBytes", Integer.toString(config.input().maxPromptBytes()));
    computes.put("input.longPrompts", config.input().longPrompts().name().toLowerCase(Locale.ROOT));
    computes.put("model", model.name() + " sha256:" + modelFile.sha256());
    computes.put("model.chatTemplate", "sha256:" + Manifest.sha256(template));
    computes.put("model.contextTokens", Integer.toString(contextTokens));
    computes.put("run.deduplicate", Boolean.toString(config.run().deduplicate()));
    computes.put("run.seed", Long.toString(config.run().seed()));
    computes.put("engine.backend", backend);
    computes.put("engine.kvFormat", config.engine().kvFormat().label());
    if (config.engine().tensorCores()) {
      computes.put("engine.tensorCores", "true");
    }
    WeftConfig.Sampling s = config.sampling();
    computes.put("sampling.maxTokens", Integer.toString(s.maxTokens()));
    computes.put("sampling.temperature", Double.toString(s.temperature()));
    computes.put("sampling.topP", Double.toString(s.topP()));
    computes.put("sampling.topK", Integer.toString(s.topK()));
    computes.put("sampling.minP", Double.toString(s.minP()));
    computes.put("sampling.repetitionPenalty", Double.toString(s.repetitionPenalty()));
    computes.put("sampling.frequencyPenalty", Double.toString(s.frequencyPenalty()));
    computes.put("sampling.presencePenalty", Double.toString(s.presencePenalty()));
    return computes;
  }

  private String fingerprint() {
    StringBuilder files = new StringBuilder();
    for (InputFile f : input.files()) {
      files
          .append(Secrets.hide(f.path()))
          .append('|')
          .append(f.bytes())
          .append('|')
          .append(f.version())
          .append(f.tag().isEmpty() ? "" : "|" + f.tag())
          .append('\n');
    }
    String first = Secrets.hide(input.files().getFirst().path());
    int more = input.files().size() - 1;
    return first
        + (more > 0 ? " and " + more + " more" : "")
        + " fingerprint:"
        + Manifest.sha256(files.toString()).substring(0, 16);
  }

  private static String template(WeftConfig config, ModelFacts model) {
    String source;
    String where = config.model().chatTemplate();
    if (where.isBlank()) {
      where = "the model's chat template";
      source = model.chatTemplate().orElse(model.defaultTemplate().source());
    } else {
      try {
        source = Files.readString(Path.of(where));
      } catch (IOException | IllegalArgumentException e) {
        throw new WeftException(
            ErrorCode.OPTION_INVALID,
            "model.chatTemplate: %s cannot be read: %s".formatted(where, e.getMessage()),
            e);
      }
    }
    try {
      ChatTemplate.compile(source);
      return source;
    } catch (TemplateException e) {
      throw new WeftException(
          config.model().chatTemplate().isBlank()
              ? ErrorCode.MODEL_UNSUPPORTED
              : ErrorCode.OPTION_INVALID,
          where + ": " + e.getMessage(),
          e);
    }
  }
}
