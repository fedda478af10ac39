package dev.weft.jobs.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.job.TestSpark;
import dev.weft.kernels.engine.ResultSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  @TempDir java.nio.file.Path folder;
  private final BufferAllocator allocator = new RootAllocator();

  @Test
  void namesSurviveTheirText() {
    PieceName name =
        new PieceName(PieceName.Kind.RESULTS, 3, Long.MAX_VALUE / 10, 7, 5, 4, 3, 2, 0x8000_00ff);
    assertThat(PieceName.parse(name.fileName())).contains(name);
    assertThat(PieceName.parse("_" + name.fileName() + ".tmp")).isEmpty();
    assertThat(PieceName.parse("results-s1-t1-1-r1-p1-c1-o1-zz.arrow")).isEmpty();
  }

  @Test
  void piecesAreWrittenWholeReadBackAndCountedOnce() throws IOException {
    FileSystem fs = FileSystem.getLocal(new Configuration());
    Path at = new Path(folder.toString());
    try (LedgerWriter writer = new LedgerWriter(fs, at, PieceName.Kind.RESULTS, 1, 9, 3, 3600)) {
      add(writer, 1, 0, "one");
      add(writer, 2, 0, "two, first");
      assertThat(Ledger.list(fs, at, PieceName.Kind.RESULTS)).isEmpty();
      add(writer, 2, 1, "two, second");
      assertThat(Ledger.list(fs, at, PieceName.Kind.RESULTS)).hasSize(1);
      add(writer, 3, 0, "three");
      writer.flush();
      writer.flush();
      add(writer, 4, 0, "never flushed");
    }
    try (LedgerWriter retry = new LedgerWriter(fs, at, PieceName.Kind.RESULTS, 2, 1, 1, 3600)) {
      add(retry, 1, 0, "one");
    }
    List<Piece> pieces = Ledger.list(fs, at, PieceName.Kind.RESULTS);
    assertThat(pieces).extracting(p -> p.name().rows()).containsExactly(3L, 1L, 1L);
    assertThat(pieces.getFirst().name().promptTokens()).isEqualTo(30);
    assertThat(pieces.getFirst().name().outputTokens()).isEqualTo(6);
    var results = LedgerRows.results(TestSpark.session(), pieces);
    assertThat(results.count()).isEqualTo(5);
    List<Row> distinct = Outcomes.distinct(results).orderBy("row_key", "sample").collectAsList();
    assertThat(distinct)
        .extracting(r -> r.<String>getAs("text"))
        .containsExactly("one", "two, first", "two, second", "three");

    // A piece that was torn by a crash is as if it were not there.
    java.nio.file.Path torn = folder.resolve(new Path(pieces.getFirst().path()).getName());
    Files.write(torn, new byte[] {1, 2, 3}, StandardOpenOption.TRUNCATE_EXISTING);
    Files.deleteIfExists(folder.resolve("." + torn.getFileName() + ".crc"));
    pieces = Ledger.list(fs, at, PieceName.Kind.RESULTS);
    assertThat(LedgerRows.results(TestSpark.session(), pieces).count()).isEqualTo(2);
    FinishedSamples finished = FinishedSamples.read(fs, at);
    assertThat(finished.holds(1, 1)).isTrue();
    assertThat(finished.holds(3, 1)).isTrue();
    assertThat(finished.holds(3, 2)).isFalse();
    assertThat(finished.holds(2, 1)).isFalse();
    allocator.close();
  }

  private void add(LedgerWriter writer, long row, int sample, String text) throws IOException {
    try (VectorSchemaRoot batch = VectorSchemaRoot.create(ResultSchema.SCHEMA, allocator)) {
      batch.allocateNew();
      for (FieldVector vector : batch.getFieldVectors()) {
        switch (vector) {
          case IntVector ints -> ints.setSafe(0, 0);
          case Float8Vector doubles -> doubles.setSafe(0, 0.5);
          case VarCharVector texts -> texts.setSafe(0, "x".getBytes());
          case ListVector list -> {
            list.startNewValue(0);
            list.endValue(0, 0);
          }
          default -> {}
        }
      }
      ((BigIntVector) batch.getVector(ResultSchema.ROW)).setSafe(0, row);
      ((IntVector) batch.getVector(ResultSchema.SAMPLE)).setSafe(0, sample);
      ((IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS)).setSafe(0, 10);
      ((IntVector) batch.getVector(ResultSchema.OUTPUT_TOKENS)).setSafe(0, 2);
      ((VarCharVector) batch.getVector(ResultSchema.TEXT)).setSafe(0, text.getBytes());
      ((VarCharVector) batch.getVector(ResultSchema.ERROR_CODE)).setNull(0);
      ((VarCharVector) batch.getVector(ResultSchema.ERROR_MESSAGE)).setNull(0);
      batch.setRowCount(1);
      writer.add(batch);
    }
  }
}
