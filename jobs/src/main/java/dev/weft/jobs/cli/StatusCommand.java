package dev.weft.jobs.cli;

import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.state.RunStatus;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code weft status}. */
@Command(
    name = "status",
    description =
        "Shows how far a run is, from its ledger, while it runs or after. Nothing of it is"
            + " disturbed.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft status nightly-1 --output results/",
      "  weft status nightly-1 -o results/ --json"
    })
final class StatusCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private RunPlace place = new RunPlace();

  @Parameters(index = "0", paramLabel = "RUN", description = "The run; `weft runs` lists them.")
  private String runId;

  StatusCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    RunStatus run = RunStatus.of(place.folder(runId));
    if (place.json()) {
      terminal.out().println(ReportFiles.json(run));
    } else {
      StatusText.print(run, terminal.out());
    }
    return ExitCode.OK.number();
  }
}
