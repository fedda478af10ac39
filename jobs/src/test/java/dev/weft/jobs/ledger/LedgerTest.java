package dev.weft.jobs.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.job.TestSpark;
import dev.weft.jobs.store.Storage;
import dev.weft.jobs.store.Versions;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  @TempDir java.nio.file.Path folder;
  private final BufferAllocator allocator = new RootAllocator();

  @Test
  void namesSurviveTheirText() {
    PieceName name =
        new PieceName(
            PieceName.Kind.RESULTS, 3, 12, Long.MAX_VALUE / 10, 7, 5, 1, 4, 3, 2, 99, 0x8000_00ff);
    assertThat(PieceName.parse(name.fileName())).contains(name);
    assertThat(PieceName.parse("results-s1-k0-t1-1-r1-e0-p1-c1-o1-b9-zz.arrow")).isEmpty();
  }

  @Test
  void piecesAreWrittenWholeReadBackAndCountedOnce() throws IOException {
    Storage storage = new Storage(FileSystem.getLocal(new Configuration()));
    Path at = new Path(folder.toString());
    try (LedgerWriter writer =
        new LedgerWriter(storage, at, PieceName.Kind.RESULTS, 1, 4, 8, 3, 3600)) {
      add(writer, 1, 0, "one");
      add(writer, 2, 0, "two, first");
      assertThat(Ledger.list(storage, at, PieceName.Kind.RESULTS)).isEmpty();
      add(writer, 2, 1, "two, second");
      assertThat(Ledger.list(storage, at, PieceName.Kind.RESULTS)).hasSize(1);
      add(writer, 3, 0, "three");
      writer.flush();
      writer.flush();
      add(writer, 4, 0, "never flushed");
    }
    try (LedgerWriter retry =
        new LedgerWriter(storage, at, PieceName.Kind.RESULTS, 1, 4, 9, 1, 3600)) {
      add(retry, 1, 0, "one");
    }
    List<Piece> pieces = Ledger.list(storage, at, PieceName.Kind.RESULTS);
    assertThat(pieces).extracting(p -> p.name().rows()).containsExactly(3L, 1L, 1L);
    assertThat(pieces.getFirst().name().promptTokens()).isEqualTo(30);
    assertThat(pieces.getFirst().name().outputTokens()).isEqualTo(6);
    LedgerRows.Damage damage = new LedgerRows.Damage(TestSpark.session());
    var results = LedgerRows.results(TestSpark.session(), pieces, damage);
    assertThat(results.count()).isEqualTo(5);
    List<Row> distinct = Outcomes.distinct(results).orderBy("row_key", "sample").collectAsList();
    assertThat(distinct)
        .extracting(r -> r.<String>getAs("text"))
        .containsExactly("one", "two, first", "two, second", "three");

    assertThat(damage.found()).isEmpty();

    // A piece that was torn by a crash is as if it were not there.
    java.nio.file.Path torn = folder.resolve(new Path(pieces.getFirst().path()).getName());
    byte[] whole = Files.readAllBytes(torn);
    Files.write(torn, Arrays.copyOf(whole, whole.length / 2));
    assertThat(rowsLeft(storage, at, damage)).isEqualTo(2);
    // So is one of the right length whose bytes were lost, as after a power cut.
    Files.write(torn, new byte[whole.length]);
    assertThat(rowsLeft(storage, at, damage)).isEqualTo(2);
    assertThat(damage.found()).containsExactly(torn.getFileName() + " is torn");
    FinishedSamples finished = FinishedSamples.read(storage, at, 1, 4);
    assertThat(finished.holds(1, 1)).isTrue();
    assertThat(finished.holds(3, 1)).isTrue();
    assertThat(finished.holds(3, 2)).isFalse();
    assertThat(finished.holds(2, 1)).isFalse();
    assertThat(FinishedSamples.read(storage, at, 2, 4).holds(3, 1)).isFalse();
    assertThat(FinishedSamples.read(storage, at, 1, 5).holds(3, 1)).isFalse();
    allocator.close();
  }

  private void add(LedgerWriter writer, long row, int sample, String text) throws IOException {
    Answers.add(writer, allocator, row, sample, text);
  }

  private static long rowsLeft(Storage storage, Path at, LedgerRows.Damage damage)
      throws IOException {
    List<Piece> pieces = Ledger.list(storage, at, PieceName.Kind.RESULTS);
    return LedgerRows.results(TestSpark.session(), pieces, damage).count();
  }

  @Test
  void aWholePieceThatNobodyUnderstandsIsLeftOutAndNamed() throws IOException {
    Storage storage = new Storage(FileSystem.getLocal(new Configuration()));
    Path at = new Path(folder.toString());
    byte[] content = "no Arrow stream".getBytes();
    int crc = Versions.crc32c(content);
    PieceName name =
        new PieceName(PieceName.Kind.RESULTS, 1, 0, 1, 0, 2, 0, 20, 0, 4, content.length, crc);
    storage.put(new Path(at, name.fileName()), content);
    try (LedgerWriter writer =
        new LedgerWriter(storage, at, PieceName.Kind.RESULTS, 1, 0, 2, 1, 9)) {
      add(writer, 7, 0, "seven");
    }
    LedgerRows.Damage damage = new LedgerRows.Damage(TestSpark.session());
    assertThat(rowsLeft(storage, at, damage)).isEqualTo(1);
    assertThat(damage.found()).singleElement().asString().startsWith(name.fileName());
    FinishedSamples finished = FinishedSamples.read(storage, at, 1, 0);
    assertThat(finished.holds(7, 1)).isTrue();
    List<FinishedRow> rows = new ArrayList<>();
    assertThat(
            LedgerScan.each(storage, Ledger.list(storage, at, PieceName.Kind.RESULTS), rows::add))
        .containsExactly(name.fileName());
    assertThat(rows).extracting(FinishedRow::text).containsExactly("seven");
    allocator.close();
  }

  /** A hundredth of the time goes into writing, whatever a write takes, and memory is bounded. */
  @Test
  void slowStorageGetsFewerAndLargerPieces() throws IOException {
    long[] now = {0};
    RawLocalFileSystem slowDisk =
        new RawLocalFileSystem() {
          @Override
          public FSDataOutputStream create(
              Path f, boolean overwrite, int buffer, short copies, long block, Progressable told)
              throws IOException {
            now[0] += 10_000_000;
            return super.create(f, overwrite, buffer, copies, block, told);
          }
        };
    slowDisk.initialize(URI.create("file:///"), new Configuration());
    Storage slow = new Storage(slowDisk);
    Path at = new Path(folder.toString());
    try (LedgerWriter writer =
        new LedgerWriter(slow, at, PieceName.Kind.RESULTS, 1, 0, 2, 2, 3600, () -> now[0])) {
      for (int row = 0; row < 600; row++) {
        add(writer, row, 0, "cheap");
        now[0] += 20_000_000;
      }
      // A second of rows after each write of 10 ms.
      assertThat(rows(slow, at)).startsWith(2L, 50L, 50L);
      for (int row = 600; row < 1000; row++) {
        add(writer, row, 0, "cheaper");
      }
      assertThat(rows(slow, at)).endsWith(128L, 128L, 128L);
      writer.flush();
    }
    assertThat(rows(slow, at).stream().mapToLong(r -> r).sum()).isEqualTo(1000);
    allocator.close();
  }

  private static List<Long> rows(Storage storage, Path at) throws IOException {
    return Ledger.list(storage, at, PieceName.Kind.RESULTS).stream()
        .sorted(Comparator.comparing(p -> p.name().sequence()))
        .map(p -> p.name().rows())
        .toList();
  }
}
