package dev.weft.jobs.ingest;

import java.io.Serializable;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FileStatus;

/**
 * One input file, or one whole Delta table.
 *
 * @param path full path with scheme
 * @param bytes its length; 0 for a Delta table
 * @param version modification time in milliseconds, or the Delta table's version
 * @param tag what the store says of the content: the entity tag of an object store, the id of a
 *     Delta table, which one that is made anew does not have; empty where there is none
 */
public record InputFile(String path, long bytes, long version, String tag) implements Serializable {

  static InputFile of(FileStatus file) {
    String tag = file instanceof EtagSource source ? source.getEtag() : null;
    return new InputFile(
        file.getPath().toString(),
        file.getLen(),
        file.getModificationTime(),
        tag == null ? "" : tag);
  }
}
