package dev.weft.jobs.job;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Iterator;
import org.apache.spark.sql.Row;

/** Finished requests that travel to the driver together. */
record DoneBlock(long[] keys, int[] tokens) implements Serializable {
  /** Requests of a block, about: 3 MiB. */
  static final int MOST_ROWS = 1 << 18;

  static DoneBlock of(Iterator<Row> rows) {
    long[] keys = new long[256];
    int[] tokens = new int[256];
    int count = 0;
    while (rows.hasNext()) {
      Row row = rows.next();
      if (count == keys.length) {
        keys = Arrays.copyOf(keys, 2 * count);
        tokens = Arrays.copyOf(tokens, 2 * count);
      }
      keys[count] = row.getLong(0);
      tokens[count++] = (int) Math.min(Integer.MAX_VALUE, row.getLong(1));
    }
    return new DoneBlock(Arrays.copyOf(keys, count), Arrays.copyOf(tokens, count));
  }

  /**
   * Puts the tokens where they belong.
   *
   * @param rowKeys keys of all requests, ascending
   * @param into tokens of each of those
   */
  void into(long[] rowKeys, int[] into) {
    for (int i = 0; i < keys.length; i++) {
      into[Arrays.binarySearch(rowKeys, keys[i])] = tokens[i];
    }
  }
}
