package dev.weft.jobs.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Untyped configuration, layer on layer: the embedded defaults, then each {@code with...}, the
 * later the stronger. Unknown keys are refused as soon as a layer brings them.
 */
public final class ConfigSource {
  private static final String ROOT = "weft";
  private static final String SPARK_PREFIX = "spark.weft.";

  private final Config reference;
  private final Config config;

  private ConfigSource(Config reference, Config config) {
    this.reference = reference;
    this.config = config;
  }

  /** The embedded defaults. */
  public static ConfigSource defaults() {
    Config reference =
        ConfigFactory.parseResources(
                ConfigSource.class.getClassLoader(),
                "dev/weft/jobs/config/reference.conf",
                ConfigParseOptions.defaults()
                    .setAllowMissing(false)
                    .setOriginDescription("default"))
            .getConfig(ROOT);
    return new ConfigSource(reference, reference);
  }

  /**
   * A HOCON, JSON or properties file.
   *
   * @throws ConfigException if it is missing, broken or holds unknown keys
   */
  public ConfigSource withFile(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ConfigException(
          "configuration file %s does not exist; see conf/examples for files to start from"
              .formatted(file));
    }
    try {
      Config parsed = ConfigFactory.parseFile(file.toFile()).resolve();
      Config layer = parsed.hasPath(ROOT) ? parsed.getConfig(ROOT) : parsed;
      return with(layer);
    } catch (com.typesafe.config.ConfigException e) {
      throw new ConfigException("configuration file cannot be read: " + e.getMessage(), e);
    }
  }

  /** Keys with values as a person types them; {@code where} says where they come from. */
  public ConfigSource withOverrides(String where, Map<String, String> overrides) {
    Config layer = ConfigFactory.empty();
    for (Map.Entry<String, String> e : overrides.entrySet()) {
      String key = e.getKey().startsWith(ROOT + ".") ? e.getKey().substring(5) : e.getKey();
      requireKnown(key, where);
      layer = layer.withValue(key, value(where, e.getValue()));
    }
    return with(layer);
  }

  /**
   * The Spark properties that spark-submit gave to this process. Spark itself is not asked: it
   * would start logging before the place of the log is known.
   */
  public static Map<String, String> submitted() {
    Map<String, String> properties = new TreeMap<>();
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("spark.")) {
        properties.put(name, System.getProperty(name));
      }
    }
    return properties;
  }

  /** The input paths, none of which is read as HOCON. */
  public ConfigSource withPaths(List<String> paths) {
    return with(
        ConfigFactory.empty()
            .withValue("input.paths", ConfigValueFactory.fromIterable(paths, "command line")));
  }

  /** The {@code spark.weft.*} entries of a Spark configuration; all others are ignored. */
  public ConfigSource withSparkConf(Map<String, String> sparkConf) {
    Map<String, String> own = new TreeMap<>();
    sparkConf.forEach(
        (key, value) -> {
          if (key.startsWith(SPARK_PREFIX)) {
            own.put(key.substring(SPARK_PREFIX.length()), value);
          }
        });
    return withOverrides("Spark configuration", own);
  }

  /** The typed configuration. */
  public WeftConfig read() {
    try {
      return WeftConfig.read(new ConfigReader(config));
    } catch (com.typesafe.config.ConfigException e) {
      throw new ConfigException("configuration cannot be read: " + e.getMessage(), e);
    }
  }

  /** All known keys in the order of {@code reference.conf}. */
  public List<String> keys() {
    return reference.entrySet().stream()
        .sorted(Comparator.comparingInt(e -> e.getValue().origin().lineNumber()))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** What each key may hold, in words. */
  Map<String, String> allowed() {
    ConfigReader reader = new ConfigReader(config);
    WeftConfig.read(reader);
    return reader.allowed();
  }

  /** The default of a key as it is written in {@code reference.conf}. */
  String reference(String key) {
    ConfigValue value = reference.getValue(key);
    return value.unwrapped() instanceof String text
        ? text
        : value.render(ConfigRenderOptions.concise());
  }

  /** The documentation of a key. */
  String documentation(String key) {
    return String.join(
        " ", reference.getValue(key).origin().comments().stream().map(String::strip).toList());
  }

  private ConfigSource with(Config layer) {
    for (Map.Entry<String, ConfigValue> e : layer.entrySet()) {
      requireKnown(
          String.join(".", ConfigUtil.splitPath(e.getKey())), e.getValue().origin().description());
    }
    return new ConfigSource(reference, layer.withFallback(config));
  }

  private void requireKnown(String key, String where) {
    List<String> known = keys();
    if (!known.contains(key)) {
      throw new ConfigException(
          "%s: unknown key %s%s (`weft config` lists all keys)"
              .formatted(where, key, Nearest.hint(key, known)));
    }
  }

  private static ConfigValue value(String where, String text) {
    if (text.startsWith("[")) {
      try {
        ConfigObject list = ConfigFactory.parseString("value = " + text).root();
        return list.get("value")
            .withOrigin(com.typesafe.config.ConfigOriginFactory.newSimple(where));
      } catch (com.typesafe.config.ConfigException e) {
        throw new ConfigException(where + ": " + text + " is not a list such as [\"a\", \"b\"]", e);
      }
    }
    return ConfigValueFactory.fromAnyRef(text, where);
  }
}
