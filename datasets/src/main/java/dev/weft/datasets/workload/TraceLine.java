package dev.weft.datasets.workload;

import java.io.IOException;
import java.nio.file.Path;

/** A line of a trace, for error messages. */
record TraceLine(Path file, int number) {
  IOException error(String problem) {
    return new IOException(file + ", line " + number + ": " + problem);
  }

  /** Name of a trace: the file without its ending. */
  static String name(Path file) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return dot > 0 ? name.substring(0, dot) : name;
  }
}
