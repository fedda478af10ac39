package dev.weft.jobs.infer;

import dev.weft.jobs.store.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a task attempt was about to run, written before it runs and deleted when the attempt ends in
 * whatever way but the loss of its process. So a marker that is there after its attempt says which
 * requests may have killed a process: those it names that have no answer in the ledger. A marker
 * names at most {@value #MOST_ROWS} rows.
 */
final class AttemptMarkers implements AutoCloseable {
  /** Most rows of one marker. */
  static final int MOST_ROWS = 4096;

  private static final Logger LOG = LoggerFactory.getLogger(AttemptMarkers.class);
  private static final Pattern NAME = Pattern.compile("s(\\d{1,9})-t(\\d{1,18})-(\\d{1,9})");

  private final Storage storage;
  private final Path folder;
  private final int start;
  private final long attempt;
  private final List<Path> written = new ArrayList<>();

  /**
   * @param folder made if it is not there
   */
  AttemptMarkers(Storage storage, Path folder, int start, long attempt) {
    this.storage = storage;
    this.folder = folder;
    this.start = start;
    this.attempt = attempt;
  }

  /** Says that these rows are about to run; durable when it returns. */
  void write(long[] rowKeys) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * rowKeys.length + Integer.BYTES);
    for (long key : rowKeys) {
      bytes.putLong(key);
    }
    bytes.putInt(crc(bytes.array(), bytes.position()));
    Path file = new Path(folder, "s%d-t%d-%d".formatted(start, attempt, written.size()));
    written.add(file);
    storage.put(file, bytes.array());
  }

  /** Takes back what was said: what was named so far has its answers. */
  void clear() {
    for (Path file : written) {
      try {
        storage.delete(file);
      } catch (IOException e) {
        LOG.warn(
            "the marker {} could not be deleted; its requests will be run more carefully than needed",
            file,
            e);
      }
    }
    written.clear();
  }

  @Override
  public void close() {
    clear();
  }

  /**
   * Counts losses: adds one to {@code losses} for each lost attempt and row that it may have been
   * running.
   *
   * @param sameStart whether markers of this start count: without speculation, another attempt of
   *     the same task is dead when this one runs
   */
  void read(Losses losses, boolean sameStart) throws IOException {
    Map<String, Set<Long>> lost = new HashMap<>();
    for (FileStatus file : storage.list(folder)) {
      Matcher name = NAME.matcher(file.getPath().getName());
      if (!name.matches()) {
        continue;
      }
      boolean ofThisStart = Integer.parseInt(name.group(1)) == start;
      if (ofThisStart && (!sameStart || Long.parseLong(name.group(2)) == attempt)) {
        continue;
      }
      Set<Long> rows =
          lost.computeIfAbsent(name.group(1) + "-" + name.group(2), key -> new HashSet<>());
      for (long row : rows(file)) {
        rows.add(row);
      }
    }
    lost.values().forEach(rows -> rows.forEach(losses::add));
  }

  /** Nothing if the marker is torn: then its rows were not given to an engine. */
  private long[] rows(FileStatus file) throws IOException {
    long length = file.getLen();
    if (length < Integer.BYTES
        || length > (long) Long.BYTES * MOST_ROWS + Integer.BYTES
        || length % Long.BYTES != Integer.BYTES) {
      return new long[0];
    }
    byte[] bytes;
    try {
      bytes = storage.read(file.getPath(), (int) length);
    } catch (FileNotFoundException e) {
      return new long[0];
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    long[] rows = new long[bytes.length / Long.BYTES];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = buffer.getLong();
    }
    return buffer.getInt() == crc(bytes, bytes.length - Integer.BYTES) ? rows : new long[0];
  }

  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
