package dev.weft.jobs.ledger;

import dev.weft.jobs.store.Storage;
import java.io.IOException;
import org.apache.hadoop.fs.Path;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * Which answers of one partition's requests are in the ledger: what a task that is tried again need
 * not run. Holds nothing of other partitions and starts.
 */
public final class FinishedSamples {
  private final SampleSet answers = new SampleSet();
  private final Roaring64Bitmap errors = new Roaring64Bitmap();

  private FinishedSamples() {}

  /** What earlier attempts at a partition have finished in this start. */
  public static FinishedSamples read(Storage storage, Path folder, int start, int partition)
      throws IOException {
    FinishedSamples finished = new FinishedSamples();
    for (Piece piece : Ledger.list(storage, folder, PieceName.Kind.RESULTS)) {
      if (piece.name().start() == start && piece.name().partition() == partition) {
        // What cannot be read runs again; the driver names it when it reads the ledger.
        LedgerScan.rows(storage, piece).ifPresent(rows -> rows.forEach(finished::add));
      }
    }
    return finished;
  }

  /** Whether a request with {@code n} answers has all of them, or an error. */
  public boolean holds(long rowKey, int n) {
    return errors.contains(rowKey) || answers.count(rowKey) >= n;
  }

  private void add(FinishedRow row) {
    if (row.errorCode() != null) {
      errors.addLong(row.rowKey());
    } else {
      answers.add(row.rowKey(), row.sample());
    }
  }
}
