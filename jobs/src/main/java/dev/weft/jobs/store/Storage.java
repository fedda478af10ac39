package dev.weft.jobs.store;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumFileSystem;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * A Hadoop file system that is tried again when it fails in passing.
 *
 * <p>A file is written under its final name, since object stores cannot rename: until {@link #put}
 * returns, others may see it torn, or not at all. Whoever needs to tell a whole file from a torn
 * one puts length and checksum into its name. Needs from the store only that a listing shows what
 * was closed before.
 */
public final class Storage {
  private static final int TRIES = 4;
  private static final long FIRST_PAUSE_MILLIS = 100;

  private final FileSystem fs;
  private final long firstPauseMillis;

  /** Files of {@code fs}, bypassing its side files of checksums: they cannot be made durable. */
  public Storage(FileSystem fs) {
    this(fs, FIRST_PAUSE_MILLIS);
  }

  /**
   * @param firstPauseMillis pause before the second try; each later one is four times as long
   */
  public Storage(FileSystem fs, long firstPauseMillis) {
    this.fs = fs instanceof ChecksumFileSystem checked ? checked.getRawFileSystem() : fs;
    this.firstPauseMillis = firstPauseMillis;
  }

  /** The storage that holds a path. */
  public static Storage of(Path path, Configuration hadoop) throws IOException {
    return new Storage(path.getFileSystem(hadoop));
  }

  /** The path with scheme and host. */
  public Path qualified(Path path) {
    return fs.makeQualified(path);
  }

  /**
   * Writes a file, over one of the same name if there is one. When this returns, the file is whole
   * and as durable as the store can make it; when it fails, there is none.
   */
  public void put(Path file, byte[] content) throws IOException {
    try {
      overwrite(file, content);
    } catch (IOException e) {
      try {
        fs.delete(file, false);
      } catch (IOException | FSError torn) {
        e.addSuppressed(torn);
      }
      throw e;
    }
  }

  /** The same, but when it fails there is still a file, if there was one; it may be torn. */
  public void overwrite(Path file, byte[] content) throws IOException {
    retried(
        () -> {
          try (FSDataOutputStream out = fs.create(file, true)) {
            out.write(content);
            if (out.hasCapability(StreamCapabilities.HSYNC)) {
              out.hsync();
            }
          }
          long length = fs.getFileStatus(file).getLen();
          if (length != content.length) {
            throw new IOException(
                "%s has %d bytes after %d were written".formatted(file, length, content.length));
          }
          return null;
        });
  }

  /** The first {@code bytes} bytes of a file. */
  public byte[] read(Path file, int bytes) throws IOException {
    return retried(
        () -> {
          byte[] content = new byte[bytes];
          try (FSDataInputStream in = fs.open(file)) {
            in.readFully(content);
          }
          return content;
        });
  }

  /** What is directly in a folder; empty if there is no such folder. */
  public List<FileStatus> list(Path folder) throws IOException {
    try {
      return retried(
          () -> {
            List<FileStatus> files = new ArrayList<>();
            RemoteIterator<FileStatus> found = fs.listStatusIterator(folder);
            while (found.hasNext()) {
              files.add(found.next());
            }
            return files;
          });
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  /** What storage says of a file; empty if it is not there. */
  public Optional<FileStatus> status(Path file) throws IOException {
    try {
      return Optional.of(retried(() -> fs.getFileStatus(file)));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  /** Makes a folder and those above it. */
  public void makeFolder(Path folder) throws IOException {
    retried(
        () -> {
          if (!fs.mkdirs(folder)) {
            throw new IOException(folder + " cannot be made");
          }
          return null;
        });
  }

  /** Deletes a file, or a folder with all that is in it, if it is there. */
  public void delete(Path path) throws IOException {
    retried(
        () -> {
          if (!fs.delete(path, true) && fs.exists(path)) {
            throw new IOException(path + " cannot be deleted");
          }
          return null;
        });
  }

  private interface Work<T> {
    T run() throws IOException;
  }

  /**
   * A thread that was told to stop still finishes what it writes: clearing the mark keeps channels
   * from closing under it.
   */
  private <T> T retried(Work<T> work) throws IOException {
    boolean interrupted = false;
    long pauseMillis = firstPauseMillis;
    try {
      for (int left = TRIES - 1; ; left--) {
        interrupted |= Thread.interrupted();
        try {
          return work.run();
        } catch (IOException e) {
          // Hadoop turns an interrupt into this and forgets it; a timeout is none.
          interrupted |=
              e instanceof InterruptedIOException && !(e instanceof SocketTimeoutException);
          if (left == 0 || !StorageErrors.mayPass(e)) {
            throw e;
          }
        } catch (FSError e) {
          // The local file system wraps what the disk says into an error.
          IOException disk = new IOException(StorageErrors.reason(e), e);
          if (left == 0 || !StorageErrors.mayPass(disk)) {
            throw disk;
          }
        }
        if (pauseMillis > 0 && !interrupted) {
          try {
            Thread.sleep(pauseMillis);
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
        pauseMillis *= 4;
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
