package dev.weft.jobs.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.store.FaultFileSystem.Fault;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.security.AccessControlException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StorageTest {
  @TempDir java.nio.file.Path folder;
  private Storage storage;

  @BeforeEach
  void open() throws IOException {
    FaultFileSystem fs = new FaultFileSystem();
    fs.initialize(URI.create("fault:///"), new Configuration());
    storage = new Storage(fs, 0);
  }

  @AfterEach
  void heal() {
    FaultFileSystem.heal();
  }

  @Test
  void aListingThatFailsIsNoEmptyFolder() throws IOException {
    assertThat(storage.list(new Path(folder.resolve("none").toString()))).isEmpty();
    FaultFileSystem.plan(Fault.LOST, 0);
    assertThatIOException().isThrownBy(() -> storage.list(new Path(folder.toString())));
    FaultFileSystem.plan(Fault.FAIL, 0);
    assertThat(storage.list(new Path(folder.toString()))).isEmpty();
    assertThat(FaultFileSystem.operations()).hasSize(2);
  }

  @Test
  void aFullDiskIsNotTriedAgainAndSaysSo() {
    FaultFileSystem.plan(Fault.FULL, 0);
    Path file = new Path(folder.toString(), "x");
    assertThatIOException()
        .isThrownBy(() -> storage.put(file, new byte[10]))
        .matches(e -> StorageErrors.codeOf(e) == ErrorCode.STORAGE_FULL);
    assertThat(FaultFileSystem.operations()).hasSize(1);
  }

  @Test
  void everyFileSystemsWordsAreUnderstood() {
    assertThat(code(new IOException("write failed: No space left on device")))
        .isEqualTo(ErrorCode.STORAGE_FULL);
    assertThat(code(new RuntimeException("x", new IOException("No space left on device"))))
        .isEqualTo(ErrorCode.STORAGE_FULL);
    assertThat(code(new IOException("Disk quota exceeded"))).isEqualTo(ErrorCode.STORAGE_QUOTA);
    assertThat(code(new FileNotFoundException("/x (Read-only file system)")))
        .isEqualTo(ErrorCode.STORAGE_DENIED);
    assertThat(code(new FileNotFoundException("/x (Permission denied)")))
        .isEqualTo(ErrorCode.STORAGE_DENIED);
    assertThat(code(new AccessControlException("no"))).isEqualTo(ErrorCode.STORAGE_DENIED);
    assertThat(code(new IOException("Connection refused"))).isEqualTo(ErrorCode.STORAGE_FAILED);
    assertThat(StorageErrors.within(new RuntimeException(new IOException("x")))).isTrue();
    assertThat(StorageErrors.within(new IllegalStateException("x"))).isFalse();
  }

  private static ErrorCode code(Throwable e) {
    return StorageErrors.codeOf(e);
  }

  /** What is finished stays finished: the mark of an interrupt must not close the file. */
  @Test
  void aThreadThatIsToldToStopStillWrites() throws Exception {
    Storage local = Storage.of(new Path(folder.toString()), new Configuration());
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  Thread.currentThread().interrupt();
                  try {
                    local.put(new Path(folder.toString(), "x"), new byte[100]);
                    assertThat(Thread.currentThread().isInterrupted()).isTrue();
                  } catch (IOException | AssertionError e) {
                    failure.set(e);
                  }
                });
    thread.join();
    assertThat(failure.get()).isNull();
    assertThat(folder.resolve("x")).hasSize(100);
  }

  @Test
  void theNewestWholeVersionCounts() throws IOException {
    Path file = new Path(folder.toString(), "value.json");
    assertThat(Versions.newest(storage, file)).isEmpty();
    Versions.write(storage, file, "one".getBytes());
    Versions.write(storage, file, "two".getBytes());
    assertThat(Versions.newest(storage, file).orElseThrow()).asString().isEqualTo("two");
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
    // Torn, and of the right length with other content.
    Files.writeString(folder.resolve("value-v8-b9-00000000.json"), "thr");
    Files.writeString(folder.resolve("value-v9-b4-00000000.json"), "four");
    assertThat(Versions.newest(storage, file).orElseThrow()).asString().isEqualTo("two");
    Versions.write(storage, file, "five".getBytes());
    assertThat(Versions.newest(storage, file).orElseThrow()).asString().isEqualTo("five");
    FaultFileSystem.plan(Fault.LOST, 0);
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> Versions.newest(storage, file));
  }

  @Test
  void anInterruptThatHadoopTurnsIntoAnErrorIsNotForgotten() throws IOException {
    RawLocalFileSystem disk = new RawLocalFileSystem();
    disk.initialize(URI.create("file:///"), new Configuration());
    AtomicBoolean first = new AtomicBoolean(true);
    Storage interrupted =
        new Storage(
            new FilterFileSystem(disk) {
              @Override
              public RemoteIterator<FileStatus> listStatusIterator(Path path) throws IOException {
                if (first.getAndSet(false)) {
                  throw new InterruptedIOException("java.lang.InterruptedException");
                }
                return super.listStatusIterator(path);
              }
            },
            0);
    assertThat(interrupted.list(new Path(folder.toString()))).isEmpty();
    assertThat(Thread.interrupted()).isTrue();
  }
}
