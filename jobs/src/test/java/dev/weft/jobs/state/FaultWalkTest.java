package dev.weft.jobs.state;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.Answers;
import dev.weft.jobs.ledger.FinishedRow;
import dev.weft.jobs.ledger.FinishedSamples;
import dev.weft.jobs.ledger.LedgerScan;
import dev.weft.jobs.ledger.LedgerWriter;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.store.FaultFileSystem;
import dev.weft.jobs.store.FaultFileSystem.Died;
import dev.weft.jobs.store.FaultFileSystem.Fault;
import dev.weft.jobs.store.Storage;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every kind of fault at every operation of a run's storage, one after the other: after it the run
 * is started again until it ends, and must have every row once, unchanged, and answer what its
 * first start was asked.
 */
class FaultWalkTest {
  private static final int ROWS = 5;
  private static final int MOST_STARTS = 4;
  private static final int PAIRS = 100;

  /** No beat comes while a case runs, so that operations have the same numbers every time. */
  private static final Lease.Times TIMES = new Lease.Times(3_600_000, 3_600_000);

  private static final Configuration HADOOP = new Configuration();

  @TempDir Path folder;
  private int cases;

  /** What a run has on storage besides its ledger. */
  record Value(String text) {}

  @AfterEach
  void heal() {
    FaultFileSystem.heal();
  }

  private Storage storage(String scheme) throws IOException {
    FaultFileSystem fs =
        scheme.equals(FaultFileSystem.SCHEME)
            ? new FaultFileSystem()
            : new FaultFileSystem.Objects();
    fs.initialize(URI.create(scheme + ":///"), HADOOP);
    return new Storage(fs, 0);
  }

  /**
   * One start of a run as the job makes it, with a text in place of an engine: what a row is
   * answered depends on the manifest, so that a second manifest would be seen.
   */
  private static Map<Long, String> start(RunFolder run, int number) {
    run.make();
    Lease lease = Lease.take(run, TIMES, told -> {});
    try (BufferAllocator allocator = new RootAllocator()) {
      Optional<Value> manifest = run.read(run.manifest(), Value.class);
      if (manifest.isEmpty()) {
        assertThat(run.pieces(PieceName.Kind.RESULTS)).isEmpty();
        run.write(run.manifest(), new Value("start " + number));
        manifest = run.read(run.manifest(), Value.class);
      }
      if (run.prepared().isEmpty()) {
        org.apache.hadoop.fs.Path rows =
            new org.apache.hadoop.fs.Path(run.newPrepared(lease.id()), "rows");
        run.storage().put(rows, new byte[100]);
        run.markPrepared(run.newPrepared(lease.id()));
      }
      assertThat(
              run.storage().read(new org.apache.hadoop.fs.Path(run.prepared().get(), "rows"), 100))
          .hasSize(100);
      run.write(run.plan(), new Value("plan of " + number));
      Map<Long, String> done = finished(run);
      // Two tasks; the second is tried again and asks the ledger what its first attempt did.
      for (int partition = 0; partition < 2; partition++) {
        FinishedSamples before =
            FinishedSamples.read(run.storage(), run.ledger(), lease.start(), partition);
        try (LedgerWriter writer =
            new LedgerWriter(
                run.storage(),
                run.ledger(),
                PieceName.Kind.RESULTS,
                lease.start(),
                partition,
                partition,
                2,
                3_600)) {
          for (long row = partition; row < ROWS; row += 2) {
            if (!done.containsKey(row) && !before.holds(row, 1)) {
              Answers.add(writer, allocator, row, 0, answer(manifest.get(), row));
            }
          }
          writer.flush();
        }
      }
      lease.requireHeld();
      done = finished(run);
      if (done.size() == ROWS) {
        run.write(run.summary(), new Value("complete"));
      }
      lease.close();
      return done;
    } catch (IOException e) {
      lease.close();
      throw new java.io.UncheckedIOException(e);
    } catch (WeftException e) {
      lease.close();
      throw e;
    } catch (Died e) {
      lease.abandon();
      throw e;
    }
  }

  private static String answer(Value manifest, long row) {
    return "row " + row + " as " + manifest.text();
  }

  private static Map<Long, String> finished(RunFolder run) throws IOException {
    Map<Long, String> rows = new TreeMap<>();
    Consumer<FinishedRow> add =
        row -> assertThat(rows.put(row.rowKey(), row.text())).as("row %s twice", row).isNull();
    LedgerScan.each(run.storage(), run.pieces(PieceName.Kind.RESULTS), add);
    return rows;
  }

  /** Starts the run until it ends, with a fault in each of its first starts; whether they came. */
  private boolean survives(String scheme, Fault[] faults, int[] at) throws IOException {
    String id = "run-" + cases++;
    String what = scheme;
    boolean came = false;
    Map<Long, String> done = Map.of();
    int starts = 0;
    for (; starts < MOST_STARTS && done.size() < ROWS; starts++) {
      boolean faulty = starts < faults.length;
      FaultFileSystem.plan(faulty ? faults[starts] : null, faulty ? at[starts] : -1);
      what += faulty ? "; start %d: %s at %d".formatted(starts, faults[starts], at[starts]) : "";
      try {
        RunFolder run = new RunFolder(folder.toString(), id, storage(scheme));
        done = start(run, starts);
      } catch (WeftException | java.io.UncheckedIOException | Died e) {
        assertThat(FaultFileSystem.happened())
            .as("%s: failed without a fault: %s", what, e)
            .isTrue();
      }
      came |= FaultFileSystem.happened();
    }
    FaultFileSystem.heal();
    RunFolder run = new RunFolder(folder.toString(), id, storage(scheme));
    Value manifest = run.read(run.manifest(), Value.class).orElseThrow();
    Map<Long, String> expected = new TreeMap<>();
    for (long row = 0; row < ROWS; row++) {
      expected.put(row, answer(manifest, row));
    }
    assertThat(finished(run)).as(what).isEqualTo(expected);
    assertThat(done).as(what).isEqualTo(expected);
    assertThat(run.read(run.summary(), Value.class)).as(what).isPresent();
    return came;
  }

  @ParameterizedTest
  @CsvSource({
    "fault, FAIL",
    "fault, DUPLICATE",
    "fault, DELAY",
    "fault, SHORT",
    "fault, TEAR",
    "fault, CRASH",
    "fault, CRASH_AFTER",
    "fault, FULL",
    "fault, LOST",
    "faulty-objects, FAIL",
    "faulty-objects, DUPLICATE",
    "faulty-objects, DELAY",
    "faulty-objects, SHORT",
    "faulty-objects, TEAR",
    "faulty-objects, CRASH",
    "faulty-objects, CRASH_AFTER",
    "faulty-objects, FULL",
    "faulty-objects, LOST"
  })
  void everyOperation(String scheme, Fault fault) throws IOException {
    int k = 0;
    while (survives(scheme, new Fault[] {fault}, new int[] {k})) {
      k++;
    }
    assertThat(k).as("operations of a start").isGreaterThan(40);
    System.out.printf("walked %d operations of %s with %s%n", k, scheme, fault);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fault", "faulty-objects"})
  void twoFaultsInTwoStarts(String scheme) throws IOException {
    long seed = Long.getLong("weft.test.seed", 20261125);
    Random random = new Random(seed);
    for (int i = 0; i < PAIRS; i++) {
      Fault[] faults = {
        Fault.values()[random.nextInt(Fault.values().length)],
        Fault.values()[random.nextInt(Fault.values().length)]
      };
      int[] at = {random.nextInt(90), random.nextInt(90)};
      try {
        survives(scheme, faults, at);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ", case " + i, e);
      }
    }
  }
}
