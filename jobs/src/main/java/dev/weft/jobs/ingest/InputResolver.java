package dev.weft.jobs.ingest;

import dev.weft.jobs.config.WeftConfig.Format;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds the files behind paths, folders and globs, and their format. */
public final class InputResolver {
  private final Configuration hadoop;

  /** Reads through Hadoop's file systems. */
  public InputResolver(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * Resolves {@code paths}.
   *
   * @throws WeftException if nothing is there, the format cannot be told or formats are mixed
   */
  public InputSet resolve(List<String> paths, Format wanted) {
    if (paths.isEmpty()) {
      throw new WeftException(ErrorCode.OPTION_INVALID, "input.paths is empty");
    }
    Format format = wanted;
    String folder = "";
    List<InputFile> files = new ArrayList<>();
    for (String path : paths) {
      for (FileStatus match : glob(path)) {
        if (!sameName(path, match) && isHidden(match)) {
          continue;
        }
        if (paths.size() == 1 && match.isDirectory() && sameName(path, match)) {
          folder = match.getPath().toString();
        }
        List<Found> found = new ArrayList<>();
        collect(match, wanted, true, found);
        if (found.isEmpty()) {
          throw new WeftException(
              ErrorCode.INPUT_NOT_FOUND, "the folder " + match.getPath() + " holds no input files");
        }
        for (Found one : found) {
          if (format == Format.AUTO) {
            format = one.format();
          } else if (one.format() != format) {
            throw new WeftException(
                ErrorCode.INPUT_UNREADABLE,
                "the input mixes formats: %s is %s, others are %s"
                    .formatted(one.file().path(), label(one.format()), label(format)));
          }
          files.add(one.file());
        }
      }
    }
    files.sort(Comparator.comparing(InputFile::path));
    for (int i = 1; i < files.size(); i++) {
      if (files.get(i).path().equals(files.get(i - 1).path())) {
        throw new WeftException(
            ErrorCode.OPTION_INVALID, "input.paths names " + files.get(i).path() + " twice");
      }
    }
    return new InputSet(format, folder, files);
  }

  private record Found(Format format, InputFile file) {}

  /** False if a glob stands for the folder's name: then it may be one of several. */
  private static boolean sameName(String path, FileStatus match) {
    return new Path(path).getName().equals(match.getPath().getName());
  }

  private static boolean isHidden(FileStatus file) {
    String name = file.getPath().getName();
    return name.startsWith("_") || name.startsWith(".");
  }

  private FileStatus[] glob(String path) {
    if (path.isBlank()) {
      throw new WeftException(ErrorCode.OPTION_INVALID, "input.paths holds an empty path");
    }
    try {
      Path asIs = new Path(path);
      FileSystem fs = asIs.getFileSystem(hadoop);
      FileStatus[] matches = fs.globStatus(asIs);
      if (matches == null || matches.length == 0) {
        throw new WeftException(ErrorCode.INPUT_NOT_FOUND, "nothing matches " + path);
      }
      return matches;
    } catch (IOException | IllegalArgumentException e) {
      throw new WeftException(
          ErrorCode.INPUT_UNREADABLE, path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private void collect(FileStatus at, Format wanted, boolean named, List<Found> found) {
    try {
      if (at.isFile()) {
        Format format = wanted == Format.AUTO ? byName(at.getPath(), named) : wanted;
        if (format == Format.DELTA) {
          throw new WeftException(
              ErrorCode.INPUT_UNREADABLE, at.getPath() + " is a file and no Delta table");
        }
        if (format != null) {
          found.add(new Found(format, InputFile.of(at)));
        }
        return;
      }
      FileSystem fs = at.getPath().getFileSystem(hadoop);
      boolean delta = fs.exists(new Path(at.getPath(), "_delta_log"));
      if (wanted == Format.DELTA && !delta) {
        throw new WeftException(
            ErrorCode.INPUT_UNREADABLE, at.getPath() + " is no Delta table: it has no _delta_log");
      }
      if (delta && wanted != Format.PARQUET) {
        found.add(new Found(Format.DELTA, new InputFile(at.getPath().toString(), 0, 0, "")));
        return;
      }
      for (FileStatus child : fs.listStatus(at.getPath())) {
        if (!isHidden(child)) {
          collect(child, wanted, false, found);
        }
      }
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.INPUT_UNREADABLE, at.getPath() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The format by a file's name; null for a file within a folder that has no known name. */
  private static Format byName(Path path, boolean named) {
    String name = path.getName().toLowerCase(Locale.ROOT);
    if (name.endsWith(".parquet")) {
      return Format.PARQUET;
    }
    if (name.matches(".*\\.(jsonl|ndjson|json)(\\.(gz|bz2|zst|snappy|deflate))?")) {
      return Format.JSONL;
    }
    if (named) {
      throw new WeftException(
          ErrorCode.INPUT_UNREADABLE,
          path + " has no known ending (.jsonl, .ndjson, .json, .parquet); name the format");
    }
    return null;
  }

  private static String label(Format format) {
    return format.name().toLowerCase(Locale.ROOT);
  }
}
