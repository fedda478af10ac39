package dev.weft.jobs.state;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.Ledger;
import dev.weft.jobs.ledger.Piece;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.store.Storage;
import dev.weft.jobs.store.StorageErrors;
import dev.weft.jobs.store.Versions;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * Where a run keeps what it needs to go on: {@code <output>/_weft/runs/<run id>}. Values are
 * written so that a crash at any moment leaves the value before, on every store.
 */
public final class RunFolder {
  /** How values are written. */
  public static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final Storage storage;
  private final Path output;
  private final Path folder;

  /**
   * The folder of a run, which need not exist.
   *
   * @throws WeftException if the id is no name for a folder, or the storage is not known
   */
  public RunFolder(String output, String runId, Configuration hadoop) {
    this(output, runId, storage(output, hadoop));
  }

  RunFolder(String output, String runId, Storage storage) {
    this.storage = storage;
    // Delta takes a relative path for the name of a table.
    this.output = storage.qualified(new Path(output));
    this.folder = new Path(runs(this.output), RunIds.checked(runId));
  }

  private static Storage storage(String output, Configuration hadoop) {
    try {
      return Storage.of(new Path(output), hadoop);
    } catch (IOException | IllegalArgumentException e) {
      throw StorageErrors.of(output + " cannot be used", e);
    }
  }

  static Path runs(Path output) {
    return new Path(output, "_weft/runs");
  }

  /** Makes what the run writes into. */
  public RunFolder make() {
    try {
      if (storage.status(output).filter(s -> !s.isDirectory()).isPresent()) {
        throw new WeftException(ErrorCode.OUTPUT_CONFLICT, output + " is a file, not a folder");
      }
      storage.makeFolder(ledger());
      storage.makeFolder(starts());
      return this;
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** The run's id. */
  public String runId() {
    return folder.getName();
  }

  /** The storage that holds it. */
  public Storage storage() {
    return storage;
  }

  /** The folder itself. */
  public Path path() {
    return folder;
  }

  /** Folder of ledger pieces. */
  public Path ledger() {
    return new Path(folder, "ledger");
  }

  /** Folder of the run's starts. */
  public Path starts() {
    return new Path(folder, "starts");
  }

  /** The Delta table of results of all runs. */
  public String results() {
    return new Path(output, "results").toString();
  }

  /** Folder of the metrics of all runs. */
  public String metrics() {
    return new Path(output, "metrics").toString();
  }

  /** What the engines of the latest start were. */
  public Path engine() {
    return new Path(folder, "engine.json");
  }

  /** What the run computes. */
  public Path manifest() {
    return new Path(folder, "manifest.json");
  }

  /** What the input's rows were when they were first read. */
  public Path inputContent() {
    return new Path(folder, "input.json");
  }

  /** The configuration of the latest start. */
  public Path configuration() {
    return new Path(folder, "configuration.json");
  }

  /** How much there is to do. */
  public Path totals() {
    return new Path(folder, "totals.json");
  }

  /** The summary, which is there when the run is complete. */
  public Path summary() {
    return new Path(folder, "summary.json");
  }

  /** The plan of the latest start. */
  public Path plan() {
    return new Path(folder, "plan.json");
  }

  /** All input rows, if a start has finished preparing them. */
  public Optional<Path> prepared() {
    return read(preparedMarker(), Prepared.class).map(p -> new Path(folder, p.folder()));
  }

  /** Where a start prepares rows: a place of its own, so that two starts never mix theirs. */
  public Path newPrepared(String leaseId) {
    return new Path(folder, "prepared-" + leaseId);
  }

  /** Says that prepared rows are whole. */
  public void markPrepared(Path prepared) {
    write(preparedMarker(), new Prepared(prepared.getName()));
  }

  private record Prepared(String folder) {}

  private Path preparedMarker() {
    return new Path(folder, "prepared.json");
  }

  /** Reads a value; empty if it was never written whole. */
  public <T> Optional<T> read(Path file, Class<T> type) {
    try {
      Optional<byte[]> content = Versions.newest(storage, file);
      return content.isEmpty()
          ? Optional.empty()
          : Optional.of(JSON.readValue(content.get(), type));
    } catch (IOException e) {
      throw StorageErrors.of(file + " cannot be read", e);
    }
  }

  /** Writes a value; until this returns, readers find the value before. */
  public void write(Path file, Object value) {
    try {
      Versions.write(storage, file, JSON.writeValueAsBytes(value));
    } catch (IOException e) {
      throw StorageErrors.of(file + " cannot be written", e);
    }
  }

  /**
   * The ledger's pieces of a kind, torn ones included.
   *
   * @throws WeftException if the ledger cannot be listed
   */
  public List<Piece> pieces(PieceName.Kind kind) {
    try {
      return Ledger.list(storage, ledger(), kind);
    } catch (IOException e) {
      throw StorageErrors.of("the ledger cannot be listed", e);
    }
  }

  /** Bytes of all files of the run. */
  public long bytes() {
    try {
      return bytes(folder);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private long bytes(Path at) throws IOException {
    long sum = 0;
    for (FileStatus file : storage.list(at)) {
      sum += file.isDirectory() ? bytes(file.getPath()) : file.getLen();
    }
    return sum;
  }

  private WeftException failed(IOException e) {
    return StorageErrors.of(output + " cannot be used", e);
  }
}
