package dev.weft.jobs.cli;

import dev.weft.jobs.progress.ConsoleProgress;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The surroundings of a command: its streams, and what the {@code weft} script tells through the
 * environment.
 *
 * @param out results
 * @param err progress and messages
 * @param environment variables of the process
 */
record Terminal(PrintStream out, PrintStream err, Map<String, String> environment) {
  /** Columns of the terminal behind the error stream; not set when it is none. */
  static final String COLUMNS = "WEFT_COLUMNS";

  /** The folder that holds the {@code weft} script. */
  static final String HOME = "WEFT_HOME";

  /** Jars that executors of a cluster need, separated by commas. */
  static final String CLUSTER_JARS = "WEFT_CLUSTER_JARS";

  /** JVM options of executors with a GPU; not set where there is no SDK of TornadoVM. */
  static final String EXECUTOR_OPTIONS = "WEFT_EXECUTOR_JAVA_OPTIONS";

  private static final int PLAIN_SECONDS = 10;

  /** How progress is shown. */
  enum ProgressStyle {
    AUTO,
    LIVE,
    PLAIN,
    OFF
  }

  ConsoleProgress progress(ProgressStyle style) {
    int columns = columns();
    return switch (style) {
      case AUTO ->
          columns > 0
              ? ConsoleProgress.live(err, columns)
              : ConsoleProgress.plain(err, PLAIN_SECONDS);
      case LIVE -> ConsoleProgress.live(err, columns > 0 ? columns : 100);
      case PLAIN -> ConsoleProgress.plain(err, PLAIN_SECONDS);
      case OFF -> ConsoleProgress.silent();
    };
  }

  /** The folder of the project, if the script started this. */
  Optional<Path> home() {
    return Optional.ofNullable(environment.get(HOME)).filter(h -> !h.isBlank()).map(Path::of);
  }

  List<String> clusterJars() {
    String jars = environment.getOrDefault(CLUSTER_JARS, "");
    return jars.isBlank() ? List.of() : List.of(jars.split(","));
  }

  /** JVM options of executors with a GPU; empty for none. */
  String gpuExecutorOptions() {
    return environment.getOrDefault(EXECUTOR_OPTIONS, "");
  }

  private int columns() {
    String columns = environment.getOrDefault(COLUMNS, "");
    return columns.matches("[1-9]\\d{0,3}") ? Integer.parseInt(columns) : 0;
  }
}
