package dev.weft.jobs.progress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.run.Progress;
import dev.weft.jobs.run.Stage;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ConsoleProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final AtomicLong nanos = new AtomicLong();

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static Progress at(long done) {
    return new Progress(done, 2000, 60, 1000, 712, 50, 3456, 72);
  }

  @Test
  void aTerminalShowsOneLineThatFits() {
    ConsoleProgress progress = ConsoleProgress.timed(out, 100, 0, nanos::get);
    progress.stageStarted(Stage.INFER);
    progress.progress(at(1234));
    assertThat(text())
        .contains("infer", "61.7%", "1,234/2,000", "3.46k tok/s", "saved 71.2%", "ETA 1m 12s");
    for (int columns = 20; columns < 120; columns++) {
      assertThat(ProgressLine.live("infer", at(1234), columns).length()).isLessThan(columns);
    }
    progress.stageFinished(Stage.INFER, 61);
    progress.close();
    assertThat(text()).endsWith("\r\u001b[Kinfer       1m 01s" + System.lineSeparator());
  }

  @Test
  void aLiveLineIsNotRewrittenMoreThanTenTimesASecond() {
    ConsoleProgress progress = ConsoleProgress.timed(out, 100, 0, nanos::get);
    for (int i = 0; i < 1000; i++) {
      nanos.addAndGet(1_000_000);
      progress.progress(at(i));
    }
    assertThat(text().split("\r")).hasSizeBetween(9, 12);
  }

  @Test
  void elsewhereLinesAreRareAndComplete() {
    ConsoleProgress progress = ConsoleProgress.timed(out, 0, 10, nanos::get);
    progress.stageStarted(Stage.INFER);
    for (int i = 0; i < 60; i++) {
      nanos.addAndGet(1_000_000_000);
      progress.progress(at(i * 30));
    }
    progress.progress(at(2000));
    assertThat(text()).doesNotContain("\u001b", "\r");
    assertThat(text().lines())
        .hasSize(7)
        .last()
        .asString()
        .contains("2,000 of 2,000 requests (100.0%)");
  }

  @Test
  void warningsAreShownOnceAndCannotMoveTheCursor() {
    ConsoleProgress progress = ConsoleProgress.timed(out, 0, 10, nanos::get);
    progress.warning("bad\u001b[2J\nname");
    progress.warning("bad\u001b[2J\nname");
    assertThat(text()).isEqualTo("note: bad [2J name" + System.lineSeparator());
  }

  @Test
  void anEmptyJobIsDone() {
    assertThat(
            ProgressLine.live("infer", new Progress(0, 0, 1, 0, 0, 0, Double.NaN, Double.NaN), 200))
        .contains("100.0%", "–")
        .doesNotContain("NaN");
  }
}
