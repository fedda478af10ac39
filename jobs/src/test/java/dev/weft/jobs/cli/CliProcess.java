package dev.weft.jobs.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The command line in a process of its own, as a user has it, and what it leaves behind. Spark's
 * session there is its own too.
 */
final class CliProcess {
  private static final String NEXT = "--then--";

  private final Path log;
  private final Process process;

  private CliProcess(Path log, Process process) {
    this.log = log;
    this.process = process;
  }

  /**
   * Starts a process that runs one command after the other; its exit code is that of the last.
   *
   * @param log what they print; the exit code of each is on a line {@code exit CODE}
   */
  static CliProcess start(Path log, List<List<String>> commands) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    line.removeIf(a -> a.startsWith("-agentlib") || a.startsWith("-javaagent"));
    line.addAll(List.of("-cp", System.getProperty("java.class.path"), CliProcess.class.getName()));
    for (List<String> command : commands) {
      line.addAll(command);
      line.add(NEXT);
    }
    return new CliProcess(
        log,
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile()).start());
  }

  /** Commands, each followed by {@value #NEXT}. */
  public static void main(String[] arguments) {
    int code = 0;
    List<String> command = new ArrayList<>();
    for (String argument : arguments) {
      if (!argument.equals(NEXT)) {
        command.add(argument);
        continue;
      }
      PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
      code = Main.execute(out, out, command.toArray(String[]::new));
      out.println("exit " + code);
      command.clear();
    }
    System.exit(code);
  }

  Process process() {
    return process;
  }

  /** All that was printed. */
  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Pieces of answers in the ledger of a run. */
  static List<Path> pieces(Path run) throws IOException {
    Path ledger = run.resolve("ledger");
    if (!Files.isDirectory(ledger)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(ledger)) {
      return files.filter(f -> f.getFileName().toString().startsWith("results-")).toList();
    }
  }
}
