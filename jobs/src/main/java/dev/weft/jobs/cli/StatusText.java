package dev.weft.jobs.cli;

import dev.weft.jobs.report.Format;
import dev.weft.jobs.state.RunStatus;
import java.io.PrintStream;

/** A run's status for people. */
final class StatusText {
  private StatusText() {}

  /** Answers done, of how many, and errors among them. */
  static String progress(RunStatus run) {
    String errors = run.errors() == 0 ? "" : ", %,d errors".formatted(run.errors());
    if (run.totals() == null) {
      return "%,d answers%s".formatted(run.results(), errors);
    }
    long total = run.totals().results();
    long done = Math.min(total, run.results());
    return "%,d of %,d answers (%.1f%%)%s"
        .formatted(done, total, total == 0 ? 100.0 : 100.0 * done / total, errors);
  }

  static void print(RunStatus run, PrintStream out) {
    line(out, "run", run.runId());
    line(out, "state", run.state().words() + alive(run));
    if (run.createdAt() != null) {
      line(out, "created", run.createdAt());
    }
    line(out, "starts", Integer.toString(run.starts()));
    line(out, "progress", progress(run));
    if (run.totals() != null) {
      line(
          out,
          "rows",
          "%,d: %,d to answer, %,d by an identical request, %,d errors before any ran"
              .formatted(
                  run.totals().rows(),
                  run.totals().requests(),
                  run.totals().duplicateRows(),
                  run.totals().errorRows()));
    }
    line(
        out,
        "tokens",
        "%,d prompt (%,d of them shared), %,d output"
            .formatted(run.promptTokens(), run.sharedPromptTokens(), run.outputTokens()));
    if (run.resultsPerSecond() != null) {
      line(
          out,
          "speed",
          "%.1f answers/s, %,.0f tokens/s in start %d"
              .formatted(run.resultsPerSecond(), run.tokensPerSecond(), run.starts()));
    }
    line(
        out,
        "ledger",
        "%,d pieces%s%s"
            .formatted(
                run.pieces(),
                run.lastPieceSeconds() == null
                    ? ""
                    : ", the last one " + Format.seconds(run.lastPieceSeconds()) + " ago",
                run.tornPieces() == 0
                    ? ""
                    : ", %d torn or being written".formatted(run.tornPieces())));
  }

  private static String alive(RunStatus run) {
    if (run.start() == null || run.state() == RunStatus.State.COMPLETE) {
      return "";
    }
    String sign =
        run.lastSignSeconds() == null
            ? ""
            : ", last sign of life " + Format.seconds(run.lastSignSeconds()) + " ago";
    return " (start %d: process %d on %s, since %s%s)"
        .formatted(
            run.start().number(),
            run.start().pid(),
            run.start().host(),
            run.start().startedAt(),
            sign);
  }

  private static void line(PrintStream out, String name, String text) {
    out.printf("  %-9s %s%n", name, text);
  }
}
