package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When the launcher builds. Maven is made up here: it finds nothing to change in the jar. */
class LauncherBuildTest {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));

  @TempDir Path folder;

  private String build() throws Exception {
    Path said = folder.resolve("said");
    ProcessBuilder builder = new ProcessBuilder(folder.resolve("weft").toString(), "build");
    builder.environment().remove("TORNADOVM_HOME");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().merge("PATH", folder + ":", (path, bin) -> bin + path);
    Process process = builder.redirectErrorStream(true).redirectOutput(said.toFile()).start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(said)).isZero();
    return Files.readString(said);
  }

  @Test
  void aChangeThatTheJarDoesNotShowIsBuiltOnce() throws Exception {
    Files.copy(ROOT.resolve("weft"), folder.resolve("weft"), StandardCopyOption.COPY_ATTRIBUTES);
    Path maven = Files.writeString(folder.resolve("mvn"), "#!/bin/sh\n");
    Files.setPosixFilePermissions(maven, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.createDirectories(folder.resolve("jobs/src/main"));
    Files.createDirectories(folder.resolve("jobs/target/lib"));
    Path jar = Files.createFile(folder.resolve("jobs/target/weft-1-spark.jar"));
    Files.setLastModifiedTime(jar, FileTime.from(Instant.now().minusSeconds(60)));
    Files.createFile(folder.resolve("jobs/src/main/Changed.java"));

    assertThat(build()).contains("building (jobs/src/main", "up to date");
    assertThat(build()).doesNotContain("building");
  }
}
