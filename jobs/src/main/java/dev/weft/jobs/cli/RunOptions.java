package dev.weft.jobs.cli;

import picocli.CommandLine.Option;

/** How a command shows what it does. */
final class RunOptions {
  @Option(
      names = "--progress",
      paramLabel = "STYLE",
      defaultValue = "auto",
      description = "auto, live, plain or off (default: ${DEFAULT-VALUE}).")
  private Terminal.ProgressStyle progress;

  @Option(names = "--json", description = "Print the summary as JSON.")
  private boolean json;

  Terminal.ProgressStyle progress() {
    return progress;
  }

  boolean json() {
    return json;
  }
}
