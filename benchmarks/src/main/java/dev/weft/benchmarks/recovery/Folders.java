package dev.weft.benchmarks.recovery;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Working folders of the benchmark. */
final class Folders {
  private Folders() {}

  /** Deletes a folder with its content; what vanishes meanwhile is no error. */
  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException | UncheckedIOException e) {
      // Another process deletes too; the rest goes with the next call.
    }
  }

  /** Deletes folders below {@code parent} that nobody has changed for a while. */
  static void deleteOld(Path parent, long ageMillis) throws IOException {
    if (!Files.isDirectory(parent)) {
      return;
    }
    long before = System.currentTimeMillis() - ageMillis;
    try (Stream<Path> applications = Files.list(parent)) {
      for (Path application : applications.toList()) {
        try (Stream<Path> executors = Files.list(application)) {
          for (Path executor : executors.toList()) {
            Path log = executor.resolve("stderr");
            if (Files.exists(log) && Files.getLastModifiedTime(log).toMillis() < before) {
              delete(executor);
            }
          }
        }
      }
    }
  }
}
