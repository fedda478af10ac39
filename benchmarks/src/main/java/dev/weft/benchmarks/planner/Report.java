package dev.weft.benchmarks.planner;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Takes measurements as they come, to the screen and to a file, so that a stopped run keeps them.
 */
final class Report {
  private final PrintStream screen;
  private final Path file;
  private final List<String> only;

  /**
   * @param file to append to; null for none
   * @param only beginnings of the names that are wanted, between commas; empty for all
   */
  Report(PrintStream screen, Path file, String only) throws IOException {
    this.screen = screen;
    this.file = file;
    this.only = List.of(only.split(",", -1));
    if (file != null && file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
  }

  /** Whether a name that begins with these parts is wanted. */
  boolean wants(String prefix) {
    return only.stream()
        .anyMatch(o -> prefix.startsWith(o) || o.startsWith(prefix + ".") || o.equals(prefix));
  }

  void add(Measurement measurement) {
    if (only.stream().noneMatch(measurement.name()::startsWith)) {
      return;
    }
    String line = measurement.toJson();
    screen.println(line);
    if (file != null) {
      try {
        Files.write(file, List.of(line), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot write to " + file, e);
      }
    }
  }
}
