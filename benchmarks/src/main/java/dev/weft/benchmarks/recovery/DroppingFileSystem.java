package dev.weft.benchmarks.recovery;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local file system under the scheme {@value #SCHEME}, which does not write what a run writes
 * while it infers: what is left of a job's time is that without a ledger.
 */
public final class DroppingFileSystem extends RawLocalFileSystem {
  static final String SCHEME = "dropping";

  /** Key in Hadoop's configuration: whether anything is dropped. */
  static final String ACTIVE = "fs.dropping.active";

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  private boolean drops(Path path) {
    String text = path.toUri().getPath();
    return getConf().getBoolean(ACTIVE, false)
        && (text.contains("/ledger/") || text.contains("/attempts/"));
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
    return drops(f)
        ? new FSDataOutputStream(OutputStream.nullOutputStream(), statistics)
        : super.create(f, overwrite, bufferSize, replication, blockSize, progress);
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
  public boolean rename(Path src, Path dst) throws IOException {
    return drops(dst) || super.rename(src, dst);
  }

  @Override
  public boolean delete(Path p, boolean recursive) throws IOException {
    return drops(p) || super.delete(p, recursive);
  }
}
