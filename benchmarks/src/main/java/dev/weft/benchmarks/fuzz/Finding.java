package dev.weft.benchmarks.fuzz;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Something that must not happen.
 *
 * @param kind which of the four
 * @param where tells it apart from others: the exception and the uppermost frames of the project
 * @param number of the case
 */
record Finding(Kind kind, String where, long number) {
  /** Longest time a case may take. */
  static final long MAX_NANOS = 2_000_000_000L;

  /** What must not happen, with the name of its field in the results. */
  enum Kind {
    /** The JVM died. */
    CRASH("crashes"),
    /** A case took over two seconds. */
    HANG("hangs"),
    /** A case allocated more than 4 times its input and 64 MiB. */
    OVER_ALLOCATION("over_allocations"),
    /** A case ended in an exception that is not documented. */
    UNCAUGHT("uncaught");

    final String field;

    Kind(String field) {
      this.field = field;
    }
  }

  static String where(Throwable e) {
    return e.getClass().getSimpleName() + frames(e.getStackTrace());
  }

  static String frames(StackTraceElement[] stack) {
    return Arrays.stream(stack)
        .filter(
            f -> f.getClassName().startsWith("dev.weft.") && !f.getClassName().contains(".fuzz."))
        .limit(2)
        .map(f -> " " + f.getFileName() + ":" + f.getLineNumber())
        .collect(Collectors.joining());
  }

  /** One line for the parent process. */
  String line() {
    return "finding\t" + kind + "\t" + number + "\t" + where.replaceAll("\\s+", " ");
  }

  static Finding of(String line) {
    String[] parts = line.split("\t", 4);
    return new Finding(Kind.valueOf(parts[1]), parts[3], Long.parseLong(parts[2]));
  }
}
