package dev.weft.jobs.job;

import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.run.ProgressListener;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/** A job in a process of its own, for {@link ResumeTest} to kill. */
final class KilledJob {
  private KilledJob() {}

  /** Arguments: folder, input, then keys and values by turns. */
  public static void main(String[] args) {
    Map<String, String> more = new HashMap<>();
    for (int i = 2; i < args.length; i += 2) {
      more.put(args[i], args[i + 1]);
    }
    WeftJob.run(
        TestSpark.session(),
        JobFixture.config(java.nio.file.Path.of(args[0]), args[1], more),
        ProgressListener.none());
  }

  /**
   * The local disk of a job that must not end before it is killed, however fast it is: a piece with
   * which there would be more than {@code MOST_ROWS} rows of results is never written.
   */
  public static final class StallingDisk extends LocalFileSystem {
    static final int MOST_ROWS = ResumeTest.REQUESTS - 1;

    public StallingDisk() {
      super(new Raw());
    }

    private static final class Raw extends RawLocalFileSystem {
      private final AtomicLong rows = new AtomicLong();

      @Override
      public FSDataOutputStream create(
          Path file,
          boolean overwrite,
          int bufferSize,
          short replication,
          long blockSize,
          Progressable progress)
          throws IOException {
        stall(file);
        return super.create(file, overwrite, bufferSize, replication, blockSize, progress);
      }

      private void stall(Path file) throws IOException {
        long more =
            PieceName.parse(file.getName())
                .filter(name -> name.kind() == PieceName.Kind.RESULTS)
                .map(PieceName::rows)
                .orElse(0L);
        if (more > 0 && rows.addAndGet(more) > MOST_ROWS) {
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
        }
      }
    }
  }
}
