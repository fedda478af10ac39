package dev.weft.jobs.cli;

import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.progress.ConsoleProgress;
import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.report.SchedulePicture;
import dev.weft.jobs.report.TerminalReport;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
    try (SparkSession spark = Sessions.open(config, terminal);
        StopSignals signals =
            StopSignals.watch(
                spark.sparkContext(), config.engine().drainSeconds(), terminal.err());
        ConsoleProgress progress = terminal.progress(options.progress())) {
      try {
        run = WeftJob.run(spark, config, progress);
      } catch (RuntimeException e) {
        throw signals.explain(e);
      }
    }
    if (options.json()) {
      terminal.out().println(ReportFiles.json(run));
    } else {
      terminal.out().println();
      terminal.out().print(TerminalReport.of(run));
    }
    return run.outcome().hasErrors() ? ExitCode.SOME_ROWS_FAILED : ExitCode.OK;
  }

  /**
   * @param picture file for a picture of the schedule; null for none
   */
  ExitCode plan(WeftConfig config, Path picture) throws IOException {
    require(missing(config));
    if (picture != null) {
      requirePicture(picture);
    }
    PlanSummary plan;
    try (Interruption interruption = Interruption.ofThisThread()) {
      try {
        plan = plan(config);
      } catch (PlanningInterruptedException | WeftException e) {
        if (interruption.isRequested()) {
          terminal.err().println("interrupted: nothing was planned");
          return ExitCode.INTERRUPTED;
        }
        throw e;
      }
    }
    if (picture != null) {
      Files.writeString(
          picture, isHtml(picture) ? SchedulePicture.html(plan) : SchedulePicture.svg(plan));
    }
    terminal.out().println(options.json() ? ReportFiles.json(plan) : TerminalReport.of(plan));
    return ExitCode.OK;
  }

  private PlanSummary plan(WeftConfig config) throws IOException {
    try (SparkSession spark = Sessions.open(config, terminal);
        ConsoleProgress progress = terminal.progress(options.progress())) {
      try {
        return WeftJob.plan(spark, config, progress);
      } finally {
        // An interruption has done its work; what is closed now must not be interrupted by it.
        Thread.interrupted();
      }
    }
  }

  /** A picture that cannot be written is found out before the work. */
  private static void requirePicture(Path picture) {
    String name = picture.toString().toLowerCase(Locale.ROOT);
    if (!name.endsWith(".svg") && !isHtml(picture)) {
      throw new ConfigException(
          "--picture %s: the name must end in .svg or .html".formatted(picture));
    }
    Path folder = picture.toAbsolutePath().getParent();
    if (!Files.isDirectory(folder) || Files.isDirectory(picture)) {
      throw new ConfigException(
          "--picture %s: %s"
              .formatted(
                  picture,
                  Files.isDirectory(picture) ? "is a folder" : "there is no folder " + folder));
    }
  }

  private static boolean isHtml(Path picture) {
    return picture.toString().toLowerCase(Locale.ROOT).endsWith(".html");
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
