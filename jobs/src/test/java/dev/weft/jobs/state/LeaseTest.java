package dev.weft.jobs.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.store.Storage;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseTest {
  private static final Lease.Times TIMES = new Lease.Times(40, 400);

  @TempDir java.nio.file.Path folder;
  private final List<String> told = new ArrayList<>();
  private Storage storage;
  private Path starts;

  @BeforeEach
  void open() throws IOException {
    starts = new Path(folder.toString());
    storage = Storage.of(starts, new Configuration());
  }

  private Lease take() {
    return Lease.take(storage, starts, TIMES, told::add);
  }

  /** A start of a machine that nobody here can look at. */
  private StartInfo elsewhere(int number) throws IOException {
    StartInfo info =
        new StartInfo(number, "0123456789ab", "far", "another boot", 1, 0, "2026-01-01T00:00:00Z");
    Starts there = new Starts(storage, starts);
    there.write(info);
    there.beat(info, 0);
    return info;
  }

  @Test
  void oneStartAtATimeAndEachIsCounted() {
    try (Lease first = take()) {
      assertThat(first.start()).isEqualTo(1);
      assertThatExceptionOfType(WeftException.class)
          .isThrownBy(this::take)
          .matches(e -> e.code() == ErrorCode.RUN_ACTIVE)
          .withMessageContaining("process " + ProcessHandle.current().pid());
      first.requireHeld();
    }
    Lease second = take();
    assertThat(second.start()).isEqualTo(2);
    second.withdraw();
    Lease third = take();
    assertThat(third.start()).isEqualTo(2);
    third.abandon();
    // The process that held it is known to have gone: nobody has to wait.
    try (Lease fourth = take()) {
      assertThat(fourth.start()).isEqualTo(3);
    }
    assertThat(told).isEmpty();
  }

  @Test
  void ofManyAtTheSameTimeAtMostOneHoldsIt() throws Exception {
    int threads = 4;
    AtomicInteger holders = new AtomicInteger();
    AtomicInteger taken = new AtomicInteger();
    CyclicBarrier together = new CyclicBarrier(threads);
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<Void>> all = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        Callable<Void> work =
            () -> {
              for (int round = 0; round < 20; round++) {
                together.await();
                try (Lease lease = Lease.take(storage, starts, TIMES, x -> {})) {
                  assertThat(holders.incrementAndGet()).isEqualTo(1);
                  lease.requireHeld();
                  taken.incrementAndGet();
                  Thread.yield();
                  holders.decrementAndGet();
                } catch (WeftException e) {
                  assertThat(e.code()).isEqualTo(ErrorCode.RUN_ACTIVE);
                }
              }
              return null;
            };
        all.add(pool.submit(work));
      }
      for (Future<Void> one : all) {
        one.get();
      }
    }
    assertThat(taken.get()).isPositive();
  }

  @Test
  void aSilentStartElsewhereIsTakenOverAndFindsOut() throws IOException {
    elsewhere(7);
    try (Lease lease = take()) {
      assertThat(lease.start()).isEqualTo(8);
      assertThat(told).singleElement().asString().contains("start 7 on far");
      // This one is now taken for dead by another.
      try (Stream<java.nio.file.Path> files = Files.list(folder)) {
        for (java.nio.file.Path beat : files.filter(f -> f.toString().endsWith(".beat")).toList()) {
          Files.delete(beat);
        }
      }
      assertThatExceptionOfType(WeftException.class)
          .isThrownBy(lease::requireHeld)
          .matches(e -> e.code() == ErrorCode.RUN_ACTIVE);
    }
  }

  @Test
  void aLivingStartElsewhereIsLeftAloneWhateverTheClocksSay() throws Exception {
    StartInfo far = elsewhere(1);
    Starts there = new Starts(storage, starts);
    java.nio.file.Path beat = folder.resolve("1-" + far.id() + ".beat");
    AtomicBoolean ended = new AtomicBoolean();
    Thread alive =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    for (long count = 1; !ended.get(); count++) {
                      there.beat(far, count);
                      // Its clock stands still, years ago.
                      Files.setLastModifiedTime(beat, FileTime.fromMillis(1_000_000_000_000L));
                      Thread.sleep(50);
                    }
                  } catch (IOException | InterruptedException e) {
                    return;
                  }
                });
    try {
      assertThatExceptionOfType(WeftException.class)
          .isThrownBy(this::take)
          .matches(e -> e.code() == ErrorCode.RUN_ACTIVE)
          .withMessageContaining("on far");
    } finally {
      // Hadoop loses interrupts.
      ended.set(true);
      alive.join();
    }
    // A sign of life in the future is no life either.
    there.beat(far, 5);
    Files.setLastModifiedTime(beat, FileTime.fromMillis(System.currentTimeMillis() + 86_400_000));
    try (Lease lease = take()) {
      assertThat(lease.start()).isEqualTo(2);
    }
  }

  @Test
  void aDiskThatIsFullForAWhileTakesNoRunAway() throws Exception {
    RawLocalFileSystem disk = new RawLocalFileSystem();
    disk.initialize(URI.create("file:///"), new Configuration());
    AtomicBoolean full = new AtomicBoolean();
    AtomicInteger failed = new AtomicInteger();
    // As on a real disk that is full, deleting works.
    FileSystem filling =
        new FilterFileSystem(disk) {
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
            if (full.get()) {
              failed.incrementAndGet();
              throw new IOException("No space left on device");
            }
            return super.create(
                file, permission, overwrite, bufferSize, replication, blockSize, progress);
          }
        };
    try (Lease lease = Lease.take(new Storage(filling, 0), starts, TIMES, told::add)) {
      full.set(true);
      while (failed.get() < 3) {
        Thread.sleep(TIMES.beatMillis());
        // Whoever found no sign of life gives no more.
        lease.requireHeld();
      }
      full.set(false);
      Thread.sleep(3 * TIMES.beatMillis());
      lease.requireHeld();
    }
  }
}
