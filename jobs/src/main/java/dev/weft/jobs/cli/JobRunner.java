package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.progress.ConsoleProgress;
import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.report.TerminalReport;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/** Opens Spark, runs the job in it and prints what came of it. */
final class JobRunner {
  private final Terminal terminal;
  private final RunOptions options;

  JobRunner(Terminal terminal, RunOptions options) {
    this.terminal = terminal;
    this.options = options;
  }

  ExitCode run(WeftConfig config) throws IOException {
    List<String> missing = missing(config);
    if (config.output().path().isBlank()) {
      missing.add("--output FOLDER");
    }
    require(missing);
    LogFile.inside(config.output().path());
    RunSummary run;
    try (SparkSession spark = Sessions.open(config, terminal.clusterJars());
        ConsoleProgress progress = terminal.progress(options.progress())) {
      run = WeftJob.run(spark, config, progress);
    }
    if (options.json()) {
      terminal.out().println(ReportFiles.json(run));
    } else {
      terminal.out().println();
      terminal.out().print(TerminalReport.of(run));
    }
    return run.outcome().hasErrors() ? ExitCode.SOME_ROWS_FAILED : ExitCode.OK;
  }

  ExitCode plan(WeftConfig config) throws IOException {
    require(missing(config));
    PlanSummary plan;
    try (SparkSession spark = Sessions.open(config, terminal.clusterJars());
        ConsoleProgress progress = terminal.progress(options.progress())) {
      plan = WeftJob.plan(spark, config, progress);
    }
    terminal.out().println(options.json() ? ReportFiles.json(plan) : TerminalReport.of(plan));
    return ExitCode.OK;
  }

  private static List<String> missing(WeftConfig config) {
    List<String> missing = new ArrayList<>();
    if (config.input().paths().isEmpty()) {
      missing.add("--input PATH");
    }
    if (config.model().path().isBlank()) {
      missing.add("--model FILE");
    }
    return missing;
  }

  private static void require(List<String> missing) {
    if (!missing.isEmpty()) {
      throw new ConfigException(
          "missing: %s (or the same keys in a --conf file)".formatted(String.join(", ", missing)));
    }
  }
}
