package dev.weft.benchmarks.recovery;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local file system under the scheme {@value #SCHEME}, which does not write a run's ledger
 * while it is told so: what is left of the time of inference is that without a ledger. It only
 * remembers how long the files would be, for whoever asks after writing one.
 */
public final class DroppingFileSystem extends RawLocalFileSystem {
  static final String SCHEME = "dropping";

  private static final Map<Path, Long> DROPPED = new ConcurrentHashMap<>();
  private static volatile boolean active;

  /** Whether ledgers are dropped from now on, in this process. */
  static void drop(boolean ledgers) {
    active = ledgers;
    DROPPED.clear();
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  private static boolean drops(Path path) {
    return active && path.toUri().getPath().contains("/ledger/");
  }

  private static Path key(Path path) {
    return new Path(path.toUri().getPath());
  }

  @Override
  public FSDataOutputStream create(
      Path f,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    if (!drops(f)) {
      return super.create(f, overwrite, bufferSize, replication, blockSize, progress);
    }
    return new FSDataOutputStream(OutputStream.nullOutputStream(), statistics) {
      @Override
      public void close() throws IOException {
        DROPPED.put(key(f), getPos());
        super.close();
      }
    };
  }

  @Override
  public FSDataOutputStream create(
      Path f,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return create(f, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public FileStatus getFileStatus(Path f) throws IOException {
    Long bytes = DROPPED.get(key(f));
    return bytes == null
        ? super.getFileStatus(f)
        : new FileStatus(bytes, false, 1, getDefaultBlockSize(f), System.currentTimeMillis(), f);
  }

  @Override
  public boolean rename(Path src, Path dst) throws IOException {
    if (!drops(dst)) {
      return super.rename(src, dst);
    }
    Long bytes = DROPPED.remove(key(src));
    if (bytes != null) {
      DROPPED.put(key(dst), bytes);
    }
    return bytes != null;
  }

  @Override
  public boolean delete(Path p, boolean recursive) throws IOException {
    return drops(p) ? DROPPED.remove(key(p)) != null : super.delete(p, recursive);
  }
}
