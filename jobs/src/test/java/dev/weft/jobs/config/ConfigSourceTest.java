package dev.weft.jobs.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigSourceTest {
  @TempDir Path folder;

  @Test
  void defaultsAreValidAndEveryKeyIsReadOnce() {
    ConfigSource source = ConfigSource.defaults();
    assertThat(WeftConfig.defaults().engine().budgetTokens()).isPositive();
    assertThat(source.allowed().keySet()).containsExactlyInAnyOrderElementsOf(source.keys());
    assertThat(source.keys())
        .allSatisfy(k -> assertThat(source.documentation(k)).as(k).isNotBlank());
  }

  @Test
  void laterLayersGoFirst() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("a b.conf"),
            "weft.engine { threads = 3, budgetTokens = 100 }\nweft.engine.kvBytes = 2GiB");
    WeftConfig config =
        ConfigSource.defaults()
            .withFile(file)
            .withSparkConf(
                Map.of("spark.weft.engine.budgetTokens", "200", "spark.app.name", "not ours"))
            .withOverrides("--set", Map.of("plan.policy", "dfs", "input.paths", "[\"a\", \"b,c\"]"))
            .read();
    assertThat(config.engine().threads()).isEqualTo(3);
    assertThat(config.engine().budgetTokens()).isEqualTo(200);
    assertThat(config.engine().kvBytes()).isEqualTo(2L << 30);
    assertThat(config.plan().policy()).isEqualTo("dfs");
    assertThat(config.input().paths()).containsExactly("a", "b,c");
    assertThat(WeftConfig.of(Map.of("input.paths", "x{1,2}.jsonl")).input().paths())
        .isEqualTo(List.of("x{1,2}.jsonl"));
  }

  @Test
  void autoIsZeroOrEmpty() {
    WeftConfig config = WeftConfig.of(Map.of("engine.threads", "auto"));
    assertThat(config.engine().threads()).isZero();
    assertThat(config.engine().kvBytes()).isZero();
    assertThat(config.run().id()).isEmpty();
    assertThat(config.calibration().folder()).endsWith("weft");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          engine.thread         | 2      | did you mean engine.threads
          engine.budget_tokens  | 2      | did you mean engine.budgetTokens
          engine.threads        | 0      | use 1 to 1024 or `auto`
          engine.threads        | many   | use a whole number
          engine.threads        | 1.5    | whole number
          engine.kvBytes        | 5 cats | use a size
          engine.kvBytes        | 1      | out of range
          plan.policy           | blnd   | did you mean blend
          plan.sampleFraction   | 1.5    | use 0 to 1
          plan.sampleFraction   | NaN    | sampleFraction
          run.deduplicate       | maybe  | use true or false
          run.id                | ../x   | not a name for a folder
          input.paths           | [a     | is not a list
          """)
  void saysWhatIsWrongAndHowToFixIt(String key, String value, String message) {
    assertThatThrownBy(() -> WeftConfig.of(Map.of(key, value)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(message);
  }

  @Test
  void namesFileAndLineOfABadValue() throws IOException {
    Path file = Files.writeString(folder.resolve("bad.conf"), "\nweft.engine.threads = -1\n");
    assertThatThrownBy(() -> ConfigSource.defaults().withFile(file).read())
        .hasMessageContaining("bad.conf: 2");
    Path unknown = Files.writeString(folder.resolve("unknown.conf"), "weft.engin.threads = 1\n");
    assertThatThrownBy(() -> ConfigSource.defaults().withFile(unknown))
        .hasMessageContaining("unknown.conf: 1")
        .hasMessageContaining("engine.threads");
    Path broken = Files.writeString(folder.resolve("broken.conf"), "weft { engine {");
    assertThatThrownBy(() -> ConfigSource.defaults().withFile(broken))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("broken.conf");
    Path nothing = Files.writeString(folder.resolve("null.conf"), "weft.engine.threads = null");
    assertThatThrownBy(() -> ConfigSource.defaults().withFile(nothing).read())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("engine.threads");
    assertThatThrownBy(() -> ConfigSource.defaults().withFile(folder.resolve("none.conf")))
        .hasMessageContaining("does not exist");
  }

  @Test
  void entriesAreTheTypedValuesUnderTheirKeys() {
    WeftConfig config =
        WeftConfig.of(Map.of("engine.threads", "2", "input.paths", "[a, \"b c\"]", "run.id", "x"));
    assertThat(config.entries().keySet())
        .containsExactlyInAnyOrderElementsOf(ConfigSource.defaults().keys());
    assertThat(config.entries())
        .containsEntry("engine.threads", "2")
        .containsEntry("engine.kvBytes", "auto")
        .containsEntry("plan.policy", "blend")
        .containsEntry("input.paths", "[\"a\",\"b c\"]")
        .containsEntry("sampling.topK", "0");
    assertThat(WeftConfig.of(config.entries())).isEqualTo(config);
  }
}
