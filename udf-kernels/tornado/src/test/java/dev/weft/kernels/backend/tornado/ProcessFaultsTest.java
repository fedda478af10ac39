package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that was not started as it should be, or whose device has too little memory. */
@Timeout(300)
class ProcessFaultsTest {
  @TempDir Path folder;

  /** What {@link OpenAndCompute} says in a process like this one. */
  private String run(Predicate<String> without, List<String> with, Map<String, String> environment)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.removeIf(a -> a.startsWith("-agentlib") || a.startsWith("-javaagent"));
    command.removeIf(without);
    command.addAll(with);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(OpenAndCompute.class.getName());
    Path log = folder.resolve("log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    assertThat(builder.start().waitFor()).as(() -> text(log)).isZero();
    return text(log);
  }

  private static String text(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void aProcessWithAllOptionsComputes() throws Exception {
    assertThat(run(_ -> false, List.of(), Map.of())).contains("computed 2.0");
  }

  @Test
  void missingOptionsAreNamed() throws Exception {
    assertThat(run(a -> a.startsWith("-Dtornado.load."), List.of(), Map.of()))
        .contains("backend tornado is not available", "not started with TornadoVM's options");
  }

  @Test
  void kernelsNeverRunAsPlainJava() throws Exception {
    assertThat(run(a -> a.startsWith("-Dtornado.recover."), List.of(), Map.of()))
        .contains("backend tornado is not available", "-Dtornado.recover.bailout=False");
  }

  @Test
  void aDriverWithoutDevicesIsNamed() throws Exception {
    String said =
        run(
            _ -> false,
            List.of(),
            Map.of("OCL_ICD_VENDORS", "/nonexistent", "CUDA_VISIBLE_DEVICES", ""));
    assertThat(said)
        .contains("backend tornado is not available")
        .containsPattern("TornadoVM cannot be started|driver found no device");
  }

  @Test
  void memoryThatRunsOutIsNamed() throws Exception {
    assertThat(run(_ -> false, List.of("-Dtornado.device.memory=8MB"), Map.of()))
        .contains("MemoryBudgetException", "is out of memory", "engine.kvBytes");
  }
}
