package dev.weft.jobs.cli;

import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.ConfigSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of every command that reads requests. Each is a short form of a configuration key. */
final class JobOptions {
  @Option(
      names = {"-i", "--input"},
      paramLabel = "PATH",
      description = "Requests: file, folder or glob; may be repeated (input.paths).")
  private List<String> inputs = new ArrayList<>();

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "auto, jsonl, parquet or delta (input.format).")
  private String format;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "Model: GGUF file or Hugging Face folder (model.path).")
  private String model;

  @Option(
      names = "--expected",
      paramLabel = "PATH",
      description = "Expected answers to score against (input.expectedPath).")
  private String expected;

  @Option(
      names = "--chat-template",
      paramLabel = "FILE",
      description = "Jinja template in place of the model's own (model.chatTemplate).")
  private String chatTemplate;

  @Option(
      names = "--policy",
      paramLabel = "NAME",
      completionCandidates = Policies.class,
      description = "${COMPLETION-CANDIDATES} (plan.policy).")
  private String policy;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "auto, tornado (GPU), vector or scalar (engine.backend).")
  private String backend;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of one engine (engine.threads).")
  private String threads;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Most tokens of an answer where the request does not say (sampling.maxTokens).")
  private String maxTokens;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master, e.g. local[4] or spark://host:7077 (spark.master).")
  private String master;

  @Option(
      names = {"-c", "--conf"},
      paramLabel = "FILE",
      description = "Configuration file; conf/examples has some to start from.")
  private List<Path> files = new ArrayList<>();

  @Option(
      names = {"-s", "--set"},
      paramLabel = "KEY=VALUE",
      mapFallbackValue = Option.NULL_VALUE,
      description = "Sets any key; may be repeated. `weft config` lists them.")
  private Map<String, String> settings = new LinkedHashMap<>();

  /** Names of the scheduling policies. */
  static final class Policies implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return SchedulingPolicies.all().stream().map(SchedulingPolicy::name).iterator();
    }
  }

  /** Everything but the command's own options, on top of {@code base}. */
  ConfigSource source(ConfigSource base, Map<String, String> sparkConf) {
    ConfigSource source = base;
    for (Path file : files) {
      source = source.withFile(file);
    }
    source = source.withSparkConf(sparkConf);
    settings.forEach(
        (key, value) -> {
          if (value == null) {
            throw new ConfigException(
                "--set %s has no value; write --set %s=VALUE".formatted(key, key));
          }
        });
    source = source.withOverrides("--set", settings);
    if (!inputs.isEmpty()) {
      source = source.withPaths(inputs);
    }
    return source.withOverrides("command line", flags());
  }

  private Map<String, String> flags() {
    Map<String, String> flags = new LinkedHashMap<>();
    put(flags, "input.format", format);
    put(flags, "input.expectedPath", expected);
    put(flags, "model.path", model);
    put(flags, "model.chatTemplate", chatTemplate);
    put(flags, "plan.policy", policy);
    put(flags, "engine.backend", backend);
    put(flags, "engine.threads", threads);
    put(flags, "sampling.maxTokens", maxTokens);
    put(flags, "spark.master", master);
    return flags;
  }

  static void put(Map<String, String> flags, String key, String value) {
    if (value != null) {
      flags.put(key, value);
    }
  }
}
