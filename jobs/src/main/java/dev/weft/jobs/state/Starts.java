package dev.weft.jobs.state;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.weft.jobs.store.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * The folder {@code starts} of a run: {@code <number>-<id>.json} for each start, and beside it
 * {@code <number>-<id>.beat} as long as the start holds the run.
 */
final class Starts {
  private static final Pattern NAME = Pattern.compile("(\\d{1,9})-([0-9a-f]{12})\\.(json|beat)");

  private final Storage storage;
  private final Path folder;

  Starts(Storage storage, Path folder) {
    this.storage = storage;
    this.folder = folder;
  }

  /**
   * A sign of life. Two reads of a living start's sign differ; nobody compares it with a clock.
   *
   * @param number the start's number
   * @param id its id
   * @param modifiedMillis when it was written by the storage's clock
   * @param bytes its length, which changes with each beat
   */
  record Beat(int number, String id, long modifiedMillis, long bytes) {}

  /**
   * A start's file.
   *
   * @param number the start's number
   * @param id its id
   * @param modifiedMillis when it began by the storage's clock
   */
  record Known(int number, String id, long modifiedMillis) {}

  /** What is there, each kind in the order of numbers. */
  record Listing(List<Known> starts, List<Beat> beats) {
    int highest() {
      int highest = 0;
      for (Known start : starts) {
        highest = Math.max(highest, start.number);
      }
      for (Beat beat : beats) {
        highest = Math.max(highest, beat.number);
      }
      return highest;
    }
  }

  Listing list() throws IOException {
    List<Known> starts = new ArrayList<>();
    List<Beat> beats = new ArrayList<>();
    for (FileStatus file : storage.list(folder)) {
      Matcher m = NAME.matcher(file.getPath().getName());
      if (m.matches()) {
        int number = Integer.parseInt(m.group(1));
        if (m.group(3).equals("json")) {
          starts.add(new Known(number, m.group(2), file.getModificationTime()));
        } else {
          beats.add(new Beat(number, m.group(2), file.getModificationTime(), file.getLen()));
        }
      }
    }
    starts.sort(Comparator.comparingInt(Known::number).thenComparing(Known::id));
    beats.sort(Comparator.comparingInt(Beat::number).thenComparing(Beat::id));
    return new Listing(starts, beats);
  }

  /** Who a start is; empty if its file is torn or gone. */
  Optional<StartInfo> info(int number, String id) throws IOException {
    Path file = file(number, id, "json");
    Optional<FileStatus> status = storage.status(file);
    if (status.isEmpty()) {
      return Optional.empty();
    }
    try {
      byte[] content = storage.read(file, Math.toIntExact(status.get().getLen()));
      return Optional.of(RunFolder.JSON.readValue(content, StartInfo.class));
    } catch (JsonProcessingException | FileNotFoundException e) {
      return Optional.empty();
    }
  }

  void write(StartInfo info) throws IOException {
    storage.put(file(info.number(), info.id(), "json"), RunFolder.JSON.writeValueAsBytes(info));
  }

  /** Gives a sign of life. If that fails an earlier one stays: only others remove it. */
  void beat(StartInfo info, long count) throws IOException {
    storage.overwrite(file(info.number(), info.id(), "beat"), new byte[(int) (count % 64) + 1]);
  }

  boolean hasBeat(StartInfo info) throws IOException {
    return storage.status(file(info.number(), info.id(), "beat")).isPresent();
  }

  void removeBeat(int number, String id) throws IOException {
    storage.delete(file(number, id, "beat"));
  }

  void remove(StartInfo info) throws IOException {
    storage.delete(file(info.number(), info.id(), "beat"));
    storage.delete(file(info.number(), info.id(), "json"));
  }

  private Path file(int number, String id, String ending) {
    return new Path(folder, "%d-%s.%s".formatted(number, id, ending));
  }
}
