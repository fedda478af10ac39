package dev.weft.benchmarks.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Takes results as they come, to the screen and to a file: a stopped run keeps what it has. */
public final class Results {
  private final Path file;
  private final List<String> only;
  private final Map<String, Object> run;
  private final Set<String> added = new HashSet<>();

  /**
   * @param file to append to; null for none
   * @param only beginnings of the names that are wanted; empty for all
   * @param run fields of every line
   */
  public Results(Path file, List<String> only, Map<String, Object> run) throws IOException {
    this.file = file;
    this.only = List.copyOf(only);
    this.run = run;
    if (file != null && file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
  }

  /** Whether names that begin like this are wanted. */
  public boolean wants(String prefix) {
    return only.isEmpty()
        || only.stream().anyMatch(each -> prefix.startsWith(each) || each.startsWith(prefix));
  }

  /** Whether a name was asked for that begins like this. */
  public boolean wantsByName(String prefix) {
    return only.stream().anyMatch(each -> each.startsWith(prefix));
  }

  /** Whether there is a line of that name. */
  public boolean has(String name) {
    return added.contains(name);
  }

  public void add(Line line) {
    added.add(line.name());
    if (!only.isEmpty() && only.stream().noneMatch(line.name()::startsWith)) {
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
