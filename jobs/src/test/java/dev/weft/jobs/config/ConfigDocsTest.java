package dev.weft.jobs.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigDocsTest {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));

  @Test
  void thePageIsUpToDate() throws IOException {
    assertThat(Files.readString(ROOT.resolve("docs/configuration.md")))
        .as("run `./weft config --markdown > docs/configuration.md`")
        .isEqualTo(ConfigDocs.markdown());
  }

  @Test
  void everyKeyIsOnThePage() {
    String page = ConfigDocs.markdown();
    for (String key : ConfigSource.defaults().keys()) {
      assertThat(page).contains("| `" + key + "` |");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"laptop", "nightly", "creative"})
  void examplesAreValid(String name) {
    Path file = ROOT.resolve("conf/examples/" + name + ".conf");
    WeftConfig config = ConfigSource.defaults().withFile(file).read();
    assertThat(config).isNotEqualTo(WeftConfig.defaults());
  }

  @Test
  void everyExampleIsTested() throws IOException {
    try (var files = Files.list(ROOT.resolve("conf/examples"))) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("laptop.conf", "nightly.conf", "creative.conf");
    }
  }
}
