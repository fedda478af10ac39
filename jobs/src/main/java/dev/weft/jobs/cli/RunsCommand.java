package dev.weft.jobs.cli;

import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.state.RunStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code weft runs}. */
@Command(
    name = "runs",
    description = "Lists the runs of an output folder: how far each is, and whether it is alive.",
    footerHeading = "%nExamples:%n",
    footer = {"  weft runs --output results/", "  weft runs -o hdfs:///answers --json"})
final class RunsCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private RunPlace place = new RunPlace();

  RunsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    List<RunStatus> runs = new ArrayList<>();
    for (String id : RunStatus.runs(place.output(), place.hadoop())) {
      runs.add(RunStatus.of(place.folder(id)));
    }
    if (place.json()) {
      terminal.out().println(ReportFiles.json(runs));
    } else if (runs.isEmpty()) {
      terminal.out().println("There are no runs in " + place.output());
    } else {
      int width = runs.stream().mapToInt(r -> r.runId().length()).max().orElse(0);
      for (RunStatus run : runs) {
        terminal
            .out()
            .printf(
                "%-" + width + "s  %-21s  %s%n",
                run.runId(),
                run.state().words(),
                StatusText.progress(run));
      }
    }
    return ExitCode.OK.number();
  }
}
