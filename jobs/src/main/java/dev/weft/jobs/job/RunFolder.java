package dev.weft.jobs.job;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Where a run keeps what it needs to go on: {@code <output>/_weft/runs/<run id>}. */
final class RunFolder {
  static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final FileSystem fs;
  private final Path output;
  private final Path folder;

  RunFolder(String output, String runId, Configuration hadoop) {
    try {
      fs = new Path(output).getFileSystem(hadoop);
      // Delta takes a relative path for the name of a table.
      this.output = fs.makeQualified(new Path(output));
      this.folder = new Path(this.output, "_weft/runs/" + runId);
      if (fs.exists(this.output) && !fs.getFileStatus(this.output).isDirectory()) {
        throw new WeftException(ErrorCode.OUTPUT_CONFLICT, output + " is a file, not a folder");
      }
      fs.mkdirs(ledger());
      fs.mkdirs(new Path(folder, "starts"));
    } catch (IOException | IllegalArgumentException e) {
      throw failed(e);
    }
  }

  FileSystem fs() {
    return fs;
  }

  Path path() {
    return folder;
  }

  Path ledger() {
    return new Path(folder, "ledger");
  }

  Path prepared() {
    return new Path(folder, "prepared");
  }

  Path duplicates() {
    return new Path(folder, "duplicates");
  }

  String results() {
    return new Path(output, "results").toString();
  }

  String metrics() {
    return new Path(output, "metrics").toString();
  }

  Path engine() {
    return new Path(folder, "engine.json");
  }

  Path manifest() {
    return new Path(folder, "manifest.json");
  }

  Path summary() {
    return new Path(folder, "summary.json");
  }

  Path plan() {
    return new Path(folder, "plan.json");
  }

  /** Reads a value; empty if its file is not there. */
  <T> Optional<T> read(Path file, Class<T> type) {
    try (FSDataInputStream in = fs.open(file)) {
      return Optional.of(JSON.readValue(in.readAllBytes(), type));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.STORAGE_FAILED, file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Writes a value; the file is whole or not there. */
  void write(Path file, Object value) {
    Path aside = new Path(file.getParent(), "_" + file.getName() + ".tmp");
    try {
      try (FSDataOutputStream out = fs.create(aside, true)) {
        out.write(JSON.writeValueAsBytes(value));
        out.hsync();
      }
      fs.delete(file, false);
      if (!fs.rename(aside, file)) {
        throw new IOException(file + " could not be put in place");
      }
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Counts this start of the run: 1 for the first. */
  int nextStart() {
    try {
      Path starts = new Path(folder, "starts");
      int next = 1;
      for (FileStatus file : fs.listStatus(starts)) {
        if (file.getPath().getName().matches("\\d{1,9}")) {
          next = Math.max(next, Integer.parseInt(file.getPath().getName()) + 1);
        }
      }
      while (true) {
        try {
          fs.create(new Path(starts, Integer.toString(next)), false).close();
          return next;
        } catch (FileAlreadyExistsException e) {
          next++;
        }
      }
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Whether a stage's output is whole. */
  boolean isDone(Path stage) {
    try {
      return fs.exists(new Path(stage.getParent(), stage.getName() + ".done"));
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Says that a stage's output is whole. */
  void markDone(Path stage) {
    try {
      fs.create(new Path(stage.getParent(), stage.getName() + ".done"), true).close();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private WeftException failed(Exception e) {
    return new WeftException(
        ErrorCode.STORAGE_FAILED, output + " cannot be used: " + e.getMessage(), e);
  }
}
