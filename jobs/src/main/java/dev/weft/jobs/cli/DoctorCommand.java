package dev.weft.jobs.cli;

import dev.weft.jobs.doctor.Doctor;
import dev.weft.jobs.doctor.Finding;
import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.report.TerminalReport;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weft doctor}. */
@Command(
    name = "doctor",
    description =
        "Looks at Java, memory, kernels, devices, energy meters and libraries: what is there, what is missing and how to get it.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:jobs can run", "1:something that every job needs is missing"},
    footerHeading = "%nExamples:%n",
    footer = {"  weft doctor", "  weft doctor --json"})
final class DoctorCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(names = "--json", description = "Print the findings as JSON.")
  private boolean json;

  DoctorCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    List<Finding> findings = Doctor.examine(terminal.environment());
    boolean broken = findings.stream().anyMatch(Finding::stopsJobs);
    if (json) {
      terminal.out().println(ReportFiles.json(findings));
    } else {
      print(findings, terminal.out());
      terminal.out().println();
      terminal
          .out()
          .println(broken ? "Jobs cannot run: see the lines marked with !." : "Jobs can run here.");
    }
    return (broken ? ExitCode.FAILED : ExitCode.OK).number();
  }

  private static void print(List<Finding> findings, PrintStream out) {
    int width = findings.stream().mapToInt(f -> f.name().length()).max().orElse(0);
    for (Finding f : findings) {
      out.printf(
          "%s %-8s %-" + width + "s  %s%n",
          f.stopsJobs() ? "!" : " ",
          f.status().label(),
          f.name(),
          TerminalReport.oneLine(f.found()));
      if (!f.fix().isEmpty()) {
        out.printf("  %-8s %-" + width + "s  → %s%n", "", "", TerminalReport.oneLine(f.fix()));
      }
    }
  }
}
