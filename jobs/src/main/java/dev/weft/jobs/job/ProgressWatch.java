package dev.weft.jobs.job;

import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.infer.LiveCounts;
import dev.weft.jobs.ledger.Piece;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.run.Progress;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.state.RunFolder;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Tells the listener how inference goes on. In local mode it reads the counts of the tasks in this
 * process; on a cluster it counts the ledger, of which a listing is enough.
 */
final class ProgressWatch implements AutoCloseable {
  private static final long PERIOD_MILLIS = 500;
  private static final int LEDGER_EVERY = 6;

  private final RunFolder folder;
  private final int start;
  private final LiveCounts live;
  private final long doneBefore;
  private final long total;
  private final ProgressListener listener;
  private final long began = System.nanoTime();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;
  private Counts ledger = new Counts(0, 0, 0, 0);

  private record Counts(long results, long prompt, long shared, long output) {}

  /**
   * @param start number of this start; pieces of earlier ones are in {@code doneBefore}
   * @param doneBefore results that were in the ledger before this start
   * @param total results to come, those included
   */
  ProgressWatch(
      RunFolder folder,
      int start,
      LiveCounts live,
      long doneBefore,
      long total,
      ProgressListener listener) {
    this.folder = folder;
    this.start = start;
    this.live = live;
    this.doneBefore = doneBefore;
    this.total = total;
    this.listener = listener;
    this.thread = Thread.ofPlatform().daemon(true).name("weft-progress").start(this::watch);
  }

  private void watch() {
    try {
      for (int tick = 0; !closed.await(PERIOD_MILLIS, TimeUnit.MILLISECONDS); tick++) {
        tell(tick % LEDGER_EVERY == 0);
      }
      tell(true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell(boolean countLedger) {
    Counts now =
        new Counts(
            live.results.sum(),
            live.promptTokens.sum(),
            live.sharedTokens.sum(),
            live.outputTokens.sum());
    if (now.results == 0 && countLedger) {
      ledger = countLedger();
    }
    if (now.results == 0) {
      now = ledger;
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    long done = Math.min(total, doneBefore + now.results);
    double rate = now.results / seconds;
    listener.progress(
        new Progress(
            done,
            total,
            seconds,
            now.prompt,
            now.shared,
            now.output,
            (now.prompt + now.output) / seconds,
            rate > 0 ? (total - done) / rate : Double.NaN));
  }

  private Counts countLedger() {
    long results = 0;
    long prompt = 0;
    long shared = 0;
    long output = 0;
    try {
      for (Piece piece : folder.pieces(PieceName.Kind.RESULTS)) {
        if (piece.name().start() == start && piece.hasItsLength()) {
          results += piece.name().rows();
          prompt += piece.name().promptTokens();
          shared += piece.name().sharedTokens();
          output += piece.name().outputTokens();
        }
      }
    } catch (WeftException e) {
      // Progress stands still until storage can be listed again; the job itself will tell.
      return ledger;
    }
    return new Counts(results, prompt, shared, output);
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
