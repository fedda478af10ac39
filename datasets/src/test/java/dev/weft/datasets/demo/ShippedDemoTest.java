package dev.weft.datasets.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShippedDemoTest {
  private static final Path SHIPPED =
      Path.of(System.getProperty("weft.project.root"), "datasets", "demo");

  @Test
  void shippedFilesAreWhatTheGeneratorGivesForItsSeed(@TempDir Path folder) throws IOException {
    GenerateDemo.writeRequests(
        new DemoGenerator(GenerateDemo.SHIPPED_SEED), GenerateDemo.SHIPPED_REQUESTS, folder);

    for (String file : new String[] {"requests.jsonl", "expected.jsonl"}) {
      assertThat(Files.mismatch(folder.resolve(file), SHIPPED.resolve(file)))
          .as(file)
          .isEqualTo(-1);
    }
  }
}
