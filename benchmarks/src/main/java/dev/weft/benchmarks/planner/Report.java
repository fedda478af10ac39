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
  private final String only;

  /**
   * @param file to append to; null for none
   * @param only beginning of the names that are wanted; empty for all
   */
  Report(PrintStream screen, Path file, String only) throws IOException {
    this.screen = screen;
    this.file = file;
    this.only = only;
    if (file != null && file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
  }

  /** Whether a name that begins like this is wanted. */
  boolean wants(String prefix) {
    return prefix.startsWith(only) || only.startsWith(prefix);
  }

  void add(Measurement measurement) {
    if (!measurement.name().startsWith(only)) {
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
