package dev.weft.jobs.progress;

import dev.weft.jobs.report.Format;
import dev.weft.jobs.report.TerminalReport;
import dev.weft.jobs.run.Progress;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.Stage;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Tells a person how a job goes on. On a terminal the last line is rewritten; elsewhere a line is
 * added when a stage ends and every {@code plainSeconds} of planning and inference. Warnings are
 * shown once each. Safe for several threads.
 */
public final class ConsoleProgress implements ProgressListener, AutoCloseable {
  private static final String CLEAR = "\r\u001b[K";
  private static final long LIVE_NANOS = 100_000_000L;

  private final PrintStream out;
  private final int columns;
  private final long plainNanos;
  private final LongSupplier nanoClock;
  private final Set<String> warnings = new HashSet<>();
  private String stage = "";
  private boolean lineOpen;
  private boolean printedBefore;
  private long lastNanos;
  private long lastPlanNanos;

  private ConsoleProgress(PrintStream out, int columns, int plainSeconds, LongSupplier nanoClock) {
    this.out = out;
    this.columns = columns;
    this.plainNanos = plainSeconds * 1_000_000_000L;
    this.nanoClock = nanoClock;
  }

  /** One live line on a terminal of {@code columns} columns. */
  public static ConsoleProgress live(PrintStream out, int columns) {
    return new ConsoleProgress(out, Math.max(20, columns), 0, System::nanoTime);
  }

  /** Plain lines, one every {@code seconds} at most. */
  public static ConsoleProgress plain(PrintStream out, int seconds) {
    return new ConsoleProgress(out, 0, seconds, System::nanoTime);
  }

  /** Shows nothing. */
  public static ConsoleProgress silent() {
    return plain(new PrintStream(OutputStream.nullOutputStream()), 1);
  }

  static ConsoleProgress timed(
      PrintStream out, int columns, int plainSeconds, LongSupplier nanoClock) {
    return new ConsoleProgress(out, columns, plainSeconds, nanoClock);
  }

  @Override
  public synchronized void stageStarted(Stage stage) {
    this.stage = stage.label();
    printedBefore = false;
    lastPlanNanos = nanoClock.getAsLong();
    if (isLive()) {
      rewrite(String.format("%-8s…", this.stage));
    }
  }

  @Override
  public synchronized void stageFinished(Stage stage, double seconds) {
    endLine(String.format("%-9s %8s", stage.label(), Format.seconds(seconds)));
  }

  @Override
  public synchronized void progress(Progress progress) {
    long now = nanoClock.getAsLong();
    boolean last = progress.doneRows() >= progress.totalRows();
    if (printedBefore && !last && now - lastNanos < (isLive() ? LIVE_NANOS : plainNanos)) {
      return;
    }
    printedBefore = true;
    lastNanos = now;
    if (isLive()) {
      rewrite(ProgressLine.live(stage, progress, columns));
    } else {
      out.println(ProgressLine.plain(stage, progress));
      out.flush();
    }
  }

  @Override
  public synchronized void planning(String what, double done) {
    long now = nanoClock.getAsLong();
    if (isLive()) {
      rewrite(ProgressLine.planning(stage, what, done, columns));
    } else if (now - lastPlanNanos >= plainNanos) {
      out.println(ProgressLine.planning(stage, what, done));
      out.flush();
    } else {
      return;
    }
    lastPlanNanos = now;
  }

  @Override
  public synchronized void warning(String message) {
    String text = TerminalReport.oneLine(message);
    if (warnings.add(text)) {
      endLine("note: " + text);
    }
  }

  /** Ends an open line, so that what follows starts on its own. */
  @Override
  public synchronized void close() {
    if (lineOpen) {
      out.print(CLEAR);
      out.flush();
      lineOpen = false;
    }
  }

  private boolean isLive() {
    return columns > 0;
  }

  private void rewrite(String text) {
    out.print(CLEAR + text);
    out.flush();
    lineOpen = true;
  }

  private void endLine(String text) {
    out.print(lineOpen ? CLEAR : "");
    out.println(text);
    out.flush();
    lineOpen = false;
  }
}
