package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.state.RunCleaner;
import dev.weft.jobs.state.RunFolder;
import dev.weft.jobs.state.RunStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft clean}. */
@Command(
    name = "clean",
    description = {
      "Removes what runs keep to go on: prepared rows and the ledger. Results and metrics stay.",
      "",
      "Without --yes it only shows what would be freed. A run that is alive is never removed."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft clean nightly-1 nightly-2 --output results/",
      "  weft clean --complete -o results/ --yes"
    })
final class CleanCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private RunPlace place = new RunPlace();

  @Parameters(arity = "0..*", paramLabel = "RUN", description = "Runs to remove.")
  private List<String> runIds = new ArrayList<>();

  @Option(names = "--complete", description = "All runs whose results are in the table.")
  private boolean complete;

  @Option(names = "--yes", description = "Remove them.")
  private boolean yes;

  @Option(
      names = "--force",
      description = "Also runs that are not complete; what they finished is lost.")
  private boolean force;

  CleanCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** What became of a run, or would. */
  record Cleaned(String runId, String state, long bytes, boolean removed) {}

  @Override
  public Integer call() throws Exception {
    if (runIds.isEmpty() && !complete) {
      throw new ConfigException("name runs to remove, or take all that are done with --complete");
    }
    List<Cleaned> cleaned = new ArrayList<>();
    for (String id : chosen()) {
      RunFolder folder = place.folder(id);
      RunStatus status = RunStatus.of(folder);
      long bytes = folder.bytes();
      boolean removable =
          !status.isRunning() && (force || status.state() == RunStatus.State.COMPLETE);
      if (yes) {
        RunCleaner.remove(folder, force, told -> terminal.err().println("note: " + told));
      }
      cleaned.add(new Cleaned(id, status.state().words(), bytes, yes));
      if (!place.json()) {
        terminal
            .out()
            .printf(
                "%s  %s  %,d bytes  %s%n",
                id,
                status.state().words(),
                bytes,
                yes
                    ? "removed"
                    : removable ? "would be removed with --yes" : "would not be removed");
      }
    }
    if (place.json()) {
      terminal.out().println(ReportFiles.json(cleaned));
    } else {
      terminal
          .out()
          .printf(
              "%,d bytes %s%n",
              cleaned.stream().mapToLong(Cleaned::bytes).sum(), yes ? "freed" : "in all");
    }
    return ExitCode.OK.number();
  }

  private List<String> chosen() {
    List<String> ids = new ArrayList<>(runIds);
    if (complete) {
      for (String id : RunStatus.runs(place.output(), place.hadoop())) {
        if (!ids.contains(id)
            && RunStatus.of(place.folder(id)).state() == RunStatus.State.COMPLETE) {
          ids.add(id);
        }
      }
    }
    return ids;
  }
}
