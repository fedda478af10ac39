package dev.weft.benchmarks.cpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/** Takes results as they come, to the screen and to a file: a stopped run keeps what it has. */
final class Results {
  private final Path file;
  private final String only;
  private final Map<String, Object> run;

  /**
   * @param file to append to; null for none
   * @param only beginning of the names that are wanted; empty for all
   * @param run fields of every line
   */
  Results(Path file, String only, Map<String, Object> run) throws IOException {
    this.file = file;
    this.only = only;
    this.run = run;
    if (file != null && file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
  }

  /** Whether names that begin like this are wanted. */
  boolean wants(String prefix) {
    return prefix.startsWith(only) || only.startsWith(prefix);
  }

  /** Whether only names were asked for that begin like this. */
  boolean wantsJust(String prefix) {
    return !only.isEmpty() && only.startsWith(prefix);
  }

  void add(Line line) {
    if (!line.name().startsWith(only)) {
      return;
    }
    String json = line.toJson(run);
    System.out.println(json);
    if (file != null) {
      try {
        Files.write(file, List.of(json), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot write to " + file, e);
      }
    }
  }
}
