package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.error.ErrorCode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One request that fails, hangs or ends everything around it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class PoisonTest {
  @TempDir Path folder;

  @BeforeEach
  void ledger() throws IOException {
    Files.createDirectories(folder.resolve("run/ledger"));
    Files.createDirectories(folder.resolve("expected/ledger"));
    FaultyBackend.poison = TaskFixture.POISON;
    FaultyBackend.release = new CountDownLatch(1);
  }

  @AfterEach
  void noFault() {
    FaultyBackend.fault = FaultyBackend.Fault.NONE;
    FaultyBackend.release.countDown();
    EnginePool.closeUnused();
  }

  private Map<String, String> undisturbed() throws IOException {
    TaskFixture.run(TaskFixture.spec("scalar", 3, 60), folder.resolve("expected"), 1);
    return TaskFixture.answers(folder.resolve("expected"));
  }

  private void requireOnlyPoisonFails(ErrorCode code) throws IOException {
    Map<String, String> expected = undisturbed();
    Map<String, String> found = TaskFixture.answers(folder.resolve("run"));
    assertThat(expected).hasSize(2 * TaskFixture.ROWS);
    String poisoned = TaskFixture.POISONED_ROW + ".";
    assertThat(found.get(poisoned + 0)).isEqualTo(code.name());
    expected.keySet().removeIf(key -> key.startsWith(poisoned));
    found.keySet().removeIf(key -> key.startsWith(poisoned));
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void anExceptionIsOneErrorRow() throws Exception {
    FaultyBackend.fault = FaultyBackend.Fault.THROW;
    PartitionReport report =
        TaskFixture.run(TaskFixture.spec("faulty", 3, 60), folder.resolve("run"), 1).getFirst();
    requireOnlyPoisonFails(ErrorCode.ENGINE_FAILED);
    assertThat(report.after().failedSteps()).isPositive();
    assertThat(report.engineFailures()).isEmpty();
    assertThat(markers()).isEmpty();
  }

  @Test
  void aHangIsOneErrorRowAfterSomeEngines() throws Exception {
    FaultyBackend.fault = FaultyBackend.Fault.HANG;
    // A step of this model takes milliseconds; other work on the machine must not look like a hang.
    PartitionReport report =
        TaskFixture.run(TaskFixture.spec("faulty", 2, 5), folder.resolve("run"), 1).getFirst();
    requireOnlyPoisonFails(ErrorCode.REQUEST_ENDS_ENGINE);
    assertThat(report.engineFailures())
        .isNotEmpty()
        .allMatch(why -> why.contains("did not end within 5 s"));
    assertThat(markers()).isEmpty();
  }

  @Test
  void theEndOfTheProcessIsOneErrorRowAfterSomeStarts() throws Exception {
    for (int start = 1; start <= 2; start++) {
      assertThat(endProcess(start)).as("exit code of start %d", start).isEqualTo(134);
      assertThat(markers()).isNotEmpty();
    }
    // The poison would end this process too.
    TaskFixture.run(TaskFixture.spec("scalar", 2, 60), folder.resolve("run"), 3);
    requireOnlyPoisonFails(ErrorCode.REQUEST_ENDS_ENGINE);
  }

  private List<Path> markers() throws IOException {
    Path attempts = folder.resolve("run/attempts");
    if (!Files.isDirectory(attempts)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(attempts)) {
      return files.filter(f -> f.getFileName().toString().startsWith("s")).toList();
    }
  }

  private int endProcess(int start) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.removeIf(a -> a.startsWith("-agentlib") || a.startsWith("-javaagent"));
    command.add("-Dweft.project.root=" + System.getProperty("weft.project.root"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LostTask.class.getName());
    command.addAll(List.of(folder.resolve("run").toString(), Integer.toString(start)));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("lost-" + start + ".log").toFile())
        .start()
        .waitFor();
  }
}
