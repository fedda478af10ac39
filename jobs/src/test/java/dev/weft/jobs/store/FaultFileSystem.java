package dev.weft.jobs.store;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under the scheme {@code fault}, with a fault at one operation. Under the scheme
 * {@code faulty-objects} it is like an object store: nothing can be renamed and a file appears when
 * it is closed. What is planned holds for the whole process. Files and folders are made without
 * Hadoop, which starts a program to set their permissions.
 */
public class FaultFileSystem extends FileSystem {
  public static final String SCHEME = "fault";

  /** What goes wrong. */
  public enum Fault {
    /** Nothing is done and an error is thrown, once. */
    FAIL,
    /** It is done and an error is thrown, once: whoever tries again finds his own work. */
    DUPLICATE,
    /** It takes a while. */
    DELAY,
    /** Half of what is written gets there, without a word. */
    SHORT,
    /** Half of what is written gets there, and the process dies. */
    TEAR,
    /** Nothing is done and the process dies. */
    CRASH,
    /** It is done and the process dies. */
    CRASH_AFTER,
    /** From here on the disk is full. */
    FULL,
    /** From here on nothing can be read or written. */
    LOST
  }

  /** Thrown instead of dying. */
  public static final class Died extends Error {
    private static final long serialVersionUID = 1L;
  }

  private static final Object LOCK = new Object();
  private static final List<String> OPERATIONS = new ArrayList<>();
  private static Fault fault;
  private static int at = -1;
  private static boolean dead;
  private static boolean lost;
  private static boolean full;
  private static boolean happened;

  private final RawLocalFileSystem disk = new RawLocalFileSystem();

  /** The object store. */
  public static final class Objects extends FaultFileSystem {
    public static final String SCHEME = "faulty-objects";

    @Override
    public String getScheme() {
      return SCHEME;
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
      throw new UnsupportedOperationException("object stores cannot rename");
    }

    @Override
    OutputStream stream(OutputStream target, Path file) {
      return new Buffered(file);
    }
  }

  /** The process is started again; from now on, operation number {@code k} goes wrong. */
  public static void plan(Fault what, int k) {
    synchronized (LOCK) {
      OPERATIONS.clear();
      fault = what;
      at = k;
      dead = false;
      lost = false;
      full = false;
      happened = false;
    }
  }

  /** Nothing goes wrong any more. */
  public static void heal() {
    plan(null, -1);
  }

  /** Whether the planned fault came. */
  public static boolean happened() {
    synchronized (LOCK) {
      return happened;
    }
  }

  /** Operations since the plan was made. */
  public static List<String> operations() {
    synchronized (LOCK) {
      return List.copyOf(OPERATIONS);
    }
  }

  private interface Work<T> {
    T run() throws IOException;
  }

  private static <T> T step(String name, Path path, boolean writes, Work<T> work)
      throws IOException {
    Fault now;
    synchronized (LOCK) {
      if (dead) {
        throw new Died();
      }
      if (lost) {
        throw new IOException("Connection refused: " + name + " " + path);
      }
      if (full && writes) {
        throw new IOException("No space left on device");
      }
      now = OPERATIONS.size() == at ? fault : null;
      OPERATIONS.add(name + " " + path.getName());
      happened |= now != null;
      lost |= now == Fault.LOST;
      full |= now == Fault.FULL;
      dead |= now == Fault.CRASH;
    }
    switch (now) {
      case FAIL, LOST -> throw new IOException("Connection reset: " + name + " " + path);
      case CRASH -> throw new Died();
      case FULL -> {
        if (writes) {
          throw new IOException("No space left on device");
        }
      }
      case DELAY -> {
        try {
          Thread.sleep(2);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      case null, default -> {}
    }
    T result = work.run();
    if (now == Fault.DUPLICATE) {
      throw new IOException("Connection reset after " + name + " " + path);
    }
    if (now == Fault.CRASH_AFTER) {
      synchronized (LOCK) {
        dead = true;
      }
      throw new Died();
    }
    return result;
  }

  /** How much of a write gets there. */
  private static int torn(int length) {
    synchronized (LOCK) {
      boolean now = OPERATIONS.size() == at + 1 && happened;
      return now && (fault == Fault.SHORT || fault == Fault.TEAR) ? length / 2 : length;
    }
  }

  private static void dieIfTorn() {
    synchronized (LOCK) {
      if (OPERATIONS.size() == at + 1 && fault == Fault.TEAR) {
        dead = true;
        throw new Died();
      }
    }
  }

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    setConf(conf);
    disk.initialize(URI.create("file:///"), conf);
  }

  @Override
  public URI getUri() {
    return URI.create(getScheme() + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  private static Path local(Path path) {
    return new Path("file", "", path.toUri().getPath());
  }

  private FileStatus own(FileStatus status) {
    return new FileStatus(
        status.getLen(),
        status.isDirectory(),
        1,
        status.getBlockSize(),
        status.getModificationTime(),
        makeQualified(new Path(status.getPath().toUri().getPath())));
  }

  @Override
  public Path getWorkingDirectory() {
    return new Path(getScheme(), null, "/");
  }

  @Override
  public void setWorkingDirectory(Path folder) {}

  @Override
  public FSDataOutputStream append(Path file, int bufferSize, Progressable progress) {
    throw new UnsupportedOperationException("nothing is appended to");
  }

  @Override
  public FSDataOutputStream create(
      Path file,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return step(
        "create",
        file,
        true,
        () ->
            new FSDataOutputStream(
                new BufferedOutputStream(
                    stream(this instanceof Objects ? null : onDisk(file, overwrite), file),
                    bufferSize),
                null));
  }

  private static OutputStream onDisk(Path file, boolean overwrite) throws IOException {
    java.nio.file.Path at = java.nio.file.Path.of(file.toUri().getPath());
    Files.createDirectories(at.getParent());
    if (overwrite) {
      return Files.newOutputStream(at);
    }
    try {
      return Files.newOutputStream(at, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (java.nio.file.FileAlreadyExistsException e) {
      throw new FileAlreadyExistsException(file + " exists");
    }
  }

  OutputStream stream(OutputStream target, Path file) {
    return new Through(target, file);
  }

  /** Bytes get there as they are written. */
  private static final class Through extends OutputStream {
    private final OutputStream target;
    private final Path file;

    Through(OutputStream target, Path file) {
      this.target = target;
      this.file = file;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      step(
          "write",
          file,
          true,
          () -> {
            target.write(bytes, from, torn(length));
            target.flush();
            dieIfTorn();
            return null;
          });
    }

    @Override
    public void close() throws IOException {
      // The file of a process that dies is closed by the system.
      target.close();
      step("close", file, true, () -> null);
    }
  }

  /** Bytes get there when the file is closed. */
  private final class Buffered extends OutputStream {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Path file;
    private boolean closed;
    private boolean failed;

    Buffered(Path file) {
      this.file = file;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] some, int from, int length) throws IOException {
      try {
        step(
            "write",
            file,
            true,
            () -> {
              bytes.write(some, from, torn(length));
              dieIfTorn();
              return null;
            });
      } catch (IOException | Died e) {
        failed = true;
        throw e;
      }
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      if (failed) {
        return;
      }
      step(
          "put",
          file,
          true,
          () -> {
            try (OutputStream out = onDisk(file, true)) {
              byte[] all = bytes.toByteArray();
              out.write(Arrays.copyOf(all, torn(all.length)));
            }
            dieIfTorn();
            return null;
          });
    }
  }

  @Override
  public FSDataInputStream open(Path file, int bufferSize) throws IOException {
    return step("open", file, false, () -> disk.open(local(file), bufferSize));
  }

  @Override
  public FileStatus[] listStatus(Path folder) throws IOException {
    return step(
        "list",
        folder,
        false,
        () -> {
          FileStatus[] found = disk.listStatus(local(folder));
          return Arrays.stream(found).map(this::own).toArray(FileStatus[]::new);
        });
  }

  @Override
  public org.apache.hadoop.fs.RemoteIterator<FileStatus> listStatusIterator(Path folder)
      throws IOException {
    return org.apache.hadoop.util.functional.RemoteIterators.remoteIteratorFromArray(
        listStatus(folder));
  }

  @Override
  public FileStatus getFileStatus(Path file) throws IOException {
    return step("status", file, false, () -> own(disk.getFileStatus(local(file))));
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    return step("rename", to, true, () -> disk.rename(local(from), local(to)));
  }

  @Override
  public boolean delete(Path file, boolean recursive) throws IOException {
    return step("delete", file, true, () -> disk.delete(local(file), recursive));
  }

  @Override
  public boolean mkdirs(Path folder, FsPermission permission) throws IOException {
    return step(
        "mkdirs",
        folder,
        true,
        () -> {
          Files.createDirectories(java.nio.file.Path.of(folder.toUri().getPath()));
          return true;
        });
  }
}
