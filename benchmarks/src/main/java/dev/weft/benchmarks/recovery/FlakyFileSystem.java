package dev.weft.benchmarks.recovery;

import java.io.File;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local file system under the scheme {@value #SCHEME}, whose writes fail at random while a
 * switch file exists. The file holds the share of operations that fail and the seed. Failing writes
 * tear: half of the bytes are there. A failing rename or delete has happened or not.
 */
public final class FlakyFileSystem extends RawLocalFileSystem {
  static final String SCHEME = "flaky";

  /** Key of the switch file's path in Hadoop's configuration. */
  static final String SWITCH = "fs.flaky.switch";

  private static final long LOOK_NANOS = 50_000_000;

  private File control;
  private long lookedAt;
  private double rate;
  private Random random;

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    control = new File(conf.get(SWITCH, "/nonexistent"));
    lookedAt = System.nanoTime() - LOOK_NANOS;
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  /** Whether the next operation fails. */
  private synchronized boolean fails() throws IOException {
    if (System.nanoTime() - lookedAt >= LOOK_NANOS) {
      lookedAt = System.nanoTime();
      if (!control.exists()) {
        rate = 0;
      } else if (rate == 0) {
        String[] said = Files.readString(Path.of(control.getPath())).strip().split(" ");
        if (said.length == 2) {
          rate = Double.parseDouble(said[0]);
          random = new Random(Long.parseLong(said[1]) ^ ProcessHandle.current().pid());
        }
      }
    }
    return rate > 0 && random.nextDouble() < rate;
  }

  private static IOException injected(String what, Object path) {
    return new IOException("injected: no space left on device (" + what + " " + path + ")");
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path f,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return flaky(f, super.create(f, overwrite, bufferSize, replication, blockSize, progress));
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path f,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return create(f, overwrite, bufferSize, replication, blockSize, progress);
  }

  private FSDataOutputStream flaky(org.apache.hadoop.fs.Path path, FSDataOutputStream out)
      throws IOException {
    if (fails()) {
      out.close();
      throw injected("create", path);
    }
    return new FSDataOutputStream(new Torn(path, out), statistics);
  }

  @Override
  public boolean rename(org.apache.hadoop.fs.Path src, org.apache.hadoop.fs.Path dst)
      throws IOException {
    if (fails()) {
      boolean done = random.nextBoolean() && super.rename(src, dst);
      throw injected(done ? "rename, done, to" : "rename to", dst);
    }
    return super.rename(src, dst);
  }

  @Override
  public boolean delete(org.apache.hadoop.fs.Path p, boolean recursive) throws IOException {
    if (fails()) {
      throw injected("delete", p);
    }
    return super.delete(p, recursive);
  }

  @Override
  public boolean mkdirs(org.apache.hadoop.fs.Path f) throws IOException {
    if (fails()) {
      throw injected("mkdirs", f);
    }
    return super.mkdirs(f);
  }

  /** A stream whose write or close fails. */
  private final class Torn extends FilterOutputStream {
    private final org.apache.hadoop.fs.Path path;

    Torn(org.apache.hadoop.fs.Path path, OutputStream out) {
      super(out);
      this.path = path;
    }

    @Override
    public void write(byte[] b, int off, int len) throws IOException {
      if (fails()) {
        out.write(b, off, len / 2);
        throw injected("write", path);
      }
      out.write(b, off, len);
    }

    @Override
    public void close() throws IOException {
      out.close();
      if (fails()) {
        throw injected("close", path);
      }
    }
  }
}
