package dev.weft.jobs.progress;

import dev.weft.jobs.report.Format;
import dev.weft.jobs.run.Progress;

/** The text of one moment of a job. */
final class ProgressLine {
  private static final int BAR = 20;
  private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

  private ProgressLine() {}

  /**
   * Done, rate, saved tokens, time to the end. Parts that do not fit into {@code width} columns are
   * left out, the least important ones first.
   */
  static String live(String stage, Progress p, int width) {
    String head = String.format("%-8s", stage);
    String percent = Format.percent(share(p));
    String eta = eta(p);
    String done = Format.count(p.doneRows()) + "/" + Format.count(p.totalRows());
    String rate = Format.compact(p.tokensPerSecond()) + " tok/s";
    String saved = "saved " + Format.percent(p.sharedShare());
    String[] candidates = {
      String.join("  ", head + bar(share(p)), percent, done, rate, saved, eta),
      String.join("  ", head + percent, done, rate, saved, eta),
      String.join("  ", head + percent, done, rate, eta),
      String.join("  ", head + percent, done),
    };
    for (String candidate : candidates) {
      if (candidate.length() < width) {
        return candidate;
      }
    }
    return percent;
  }

  /** How far planning is, in one line of at most {@code width} columns. */
  static String planning(String stage, String what, double done, int width) {
    String head = String.format("%-8s", stage);
    String full = String.join("  ", head + bar(done), Format.percent(done), what);
    return full.length() < width ? full : head + Format.percent(done);
  }

  /** The same for a log file. */
  static String planning(String stage, String what, double done) {
    return "%s: %s, %s done".formatted(stage, what, Format.percent(done));
  }

  /** As {@link #live} for a log file, with everything. */
  static String plain(String stage, Progress p) {
    return "%s: %s of %s (%s), %s tokens/s, %s of prompt tokens saved, %s"
        .formatted(
            stage,
            Format.count(p.doneRows()),
            Format.count(p.totalRows(), "request"),
            Format.percent(share(p)),
            Format.compact(p.tokensPerSecond()),
            Format.percent(p.sharedShare()),
            eta(p));
  }

  private static String eta(Progress p) {
    return p.doneRows() >= p.totalRows()
        ? Format.seconds(p.elapsedSeconds())
        : Double.isFinite(p.etaSeconds()) ? "ETA " + Format.seconds(p.etaSeconds()) : "ETA unknown";
  }

  private static double share(Progress p) {
    return p.totalRows() == 0 ? 1 : (double) p.doneRows() / p.totalRows();
  }

  private static String bar(double share) {
    int eighths = (int) Math.round(Math.clamp(share, 0, 1) * BAR * 8);
    String full = "█".repeat(eighths / 8);
    String part = eighths % 8 == 0 ? "" : EIGHTHS.substring(eighths % 8, eighths % 8 + 1);
    return full + part + "░".repeat(BAR - full.length() - part.length());
  }
}
