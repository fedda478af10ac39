package dev.weft.jobs.job;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Iterator;
import org.apache.spark.sql.Row;

/** Finished requests that travel to the driver together. */
record DoneBlock(long[] keys, int[] tokens) implements Serializable {
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
}
