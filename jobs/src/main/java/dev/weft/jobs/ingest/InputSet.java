package dev.weft.jobs.ingest;

import dev.weft.jobs.config.WeftConfig.Format;
import java.io.Serializable;
import java.util.List;

/**
 * The input of a job, resolved: globs are expanded and folders listed.
 *
 * @param format never {@code AUTO}
 * @param folder the folder that was named, if it was one folder; else empty
 * @param files sorted by path, at least one
 */
public record InputSet(Format format, String folder, List<InputFile> files)
    implements Serializable {
  /** Rows of one file, as a power of two: a row's key is {@code file << 40 | line}. */
  static final int LINE_BITS = 40;

  public InputSet {
    files = List.copyOf(files);
  }

  /** The key that orders rows: by file, then by line or row number. */
  public static long rowKey(int file, long line) {
    return ((long) file << LINE_BITS) | line;
  }

  /** The file's number in a row's key. */
  public static int fileOf(long rowKey) {
    return (int) (rowKey >>> LINE_BITS);
  }

  /** The line (JSONL) or row number (tables) in a row's key, from 1. */
  public static long lineOf(long rowKey) {
    return rowKey & ((1L << LINE_BITS) - 1);
  }
}
