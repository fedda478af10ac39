package dev.weft.jobs.report;

import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.ErrorCount;
import dev.weft.jobs.run.RunSummary.TaskAccuracy;
import java.nio.file.Path;

/** The same facts as the HTML page, in a few aligned lines. */
public final class TerminalReport {
  private static final int MOST_ERRORS = 8;

  private TerminalReport() {}

  /** The end of a run. */
  public static String of(RunSummary run) {
    FactLines r = new FactLines();
    RunSummary.Rows rows = run.rows();
    r.line(
        "run",
        run.runId()
            + (run.outcome().wasComplete() ? " was already complete: nothing was done" : ""));
    r.line(
        "rows",
        "%s: %s answered, %s"
            .formatted(
                Format.count(rows.total()),
                Format.count(rows.answered()),
                Format.count(rows.errors(), "error")));
    if (rows.deduplicated() > 0) {
      r.line("", Format.count(rows.deduplicated()) + " answered by an identical request");
    }
    if (rows.resumed() > 0) {
      r.line("", Format.count(rows.resumed()) + " from an earlier start");
    }
    for (ErrorCount error : run.errors().stream().limit(MOST_ERRORS).toList()) {
      r.line("", "%s × %s: %s".formatted(Format.count(error.rows()), error.code(), error.hint()));
    }
    if (run.errors().size() > MOST_ERRORS) {
      r.line(
          "",
          "and %s more, see the report"
              .formatted(Format.count(run.errors().size() - MOST_ERRORS, "code")));
    }
    if (run.accuracy() != null) {
      r.line(
          "accuracy",
          "%s of %s"
              .formatted(
                  Format.percent(run.accuracy().accuracy()),
                  Format.count(run.accuracy().rows(), "row")));
      for (TaskAccuracy task : run.accuracy().tasks()) {
        r.line(
            "",
            "%6s  %s (%s)"
                .formatted(
                    Format.percent(task.accuracy()), task.task(), Format.count(task.rows())));
      }
    }
    RunSummary.Tokens t = run.tokens();
    r.line(
        "tokens",
        "%s prompt, %s output".formatted(Format.count(t.prompt()), Format.count(t.output())));
    r.line(
        "saved",
        "%s of the prompt tokens by prefix sharing (possible: %s)"
            .formatted(Format.percent(t.savedShare()), Format.percent(t.reusableShare())));
    r.line(
        "speed",
        "%s tokens/s, of them %s computed; %s requests/s"
            .formatted(
                Format.compact(run.throughput().tokensPerSecond()),
                Format.compact(run.throughput().computedTokensPerSecond()),
                Format.compact(run.throughput().requestsPerSecond())));
    if (run.energy() != null) {
      RunSummary.Energy e = run.energy();
      r.line(
          "energy",
          "%s, %s per token (source: %s)"
              .formatted(Format.joules(e.joules()), Format.joules(e.joulesPerToken()), e.source()));
      if (run.accuracy() != null && Double.isFinite(run.accuracy().accuracyPerWatt())) {
        r.line(
            "",
            "%s percentage points of accuracy per watt"
                .formatted(Format.digits(run.accuracy().accuracyPerWatt() * 100)));
      }
      if (Double.isFinite(e.money())) {
        r.line("cost", Format.money(e.money(), e.currency()));
      }
    }
    if (run.plan() != null) {
      r.line(
          "order",
          run.plan().policy()
              + (run.plan().policyNote().isBlank() ? "" : ": " + run.plan().policyNote()));
    }
    String prediction = PredictionText.of(run);
    if (!prediction.isEmpty()) {
      r.line("predicted", prediction);
    }
    r.line(
        "time",
        "%s, of it %s inference"
            .formatted(
                Format.seconds(run.totalSeconds()),
                Format.seconds(run.throughput().inferSeconds())));
    for (String warning : run.warnings()) {
      r.line("note", warning);
    }
    r.line("results", path(run.output().results()));
    r.line("metrics", path(run.output().metrics()));
    r.line("report", path(run.output().folder()) + "/report.html");
    return r.text();
  }

  /** A plan, nothing of which has run. */
  public static String of(PlanSummary plan) {
    return TerminalPlan.of(plan);
  }

  /** A local path as people type it: from the working folder if it is in there. */
  public static String path(String path) {
    String plain = path.replaceFirst("^file:/+", "/");
    String here = Path.of("").toAbsolutePath() + "/";
    return plain.startsWith(here) ? plain.substring(here.length()) : plain;
  }

  /** Text from outside that cannot move the cursor or colour the terminal, of a bounded length. */
  public static String oneLine(String text) {
    String safe = text.replaceAll("[\\p{Cntrl}\\p{Cf}\\u2028\\u2029]+", " ");
    return safe.length() <= 400 ? safe : safe.substring(0, 399) + "…";
  }
}
