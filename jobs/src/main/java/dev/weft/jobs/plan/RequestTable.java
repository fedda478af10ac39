package dev.weft.jobs.plan;

import static org.apache.spark.sql.functions.col;

import dev.weft.batching.request.RequestSet;
import dev.weft.jobs.prepare.PreparedSchema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Requests on the driver, as the planner wants them: primitive arrays only, in the order of the
 * input.
 *
 * @param rowKeys key of each request, ascending
 * @param answers answers that each request draws
 * @param maxTokens most tokens of one answer of each request
 * @param requests prompts and output lengths; all answers of a request together are its output
 */
public record RequestTable(long[] rowKeys, int[] answers, int[] maxTokens, RequestSet requests) {

  /** Number of requests. */
  public int size() {
    return rowKeys.length;
  }

  /** Collects the requests of prepared rows that can run. */
  public static RequestTable collect(Dataset<Row> runnable) {
    List<Block> blocks =
        runnable
            .select(
                col(PreparedSchema.ROW_KEY),
                col(PreparedSchema.TOKENS),
                col(PreparedSchema.PARAMS).getField("max_tokens"),
                col(PreparedSchema.PARAMS).getField("n"))
            .toJavaRDD()
            .mapPartitions(BlockIterator::new)
            .collect();
    return of(blocks);
  }

  /** The requests at these places, which must ascend. */
  public RequestTable subset(int[] places) {
    RequestSet.Builder builder = RequestSet.builder();
    long[] keys = new long[places.length];
    int[] n = new int[places.length];
    int[] max = new int[places.length];
    for (int i = 0; i < places.length; i++) {
      int place = places[i];
      keys[i] = rowKeys[place];
      n[i] = answers[place];
      max[i] = maxTokens[place];
      builder.add(requests.prompt(place), requests.maxOutputTokens(place));
    }
    return new RequestTable(keys, n, max, builder.build().withOutputsOf(requests, places));
  }

  /**
   * The requests of rows that lie in this process.
   *
   * @param rows key, encoded tokens, {@code max_tokens} and {@code n}
   */
  static RequestTable of(Iterator<Row> rows) {
    List<Block> blocks = new ArrayList<>();
    new BlockIterator(rows).forEachRemaining(blocks::add);
    return of(blocks);
  }

  private static RequestTable of(List<Block> blocks) {
    int size = blocks.stream().mapToInt(b -> b.keys.length).sum();
    long[] keys = new long[size];
    int filled = 0;
    for (Block block : blocks) {
      System.arraycopy(block.keys, 0, keys, filled, block.keys.length);
      filled += block.keys.length;
    }
    Arrays.sort(keys);
    int[] blockAt = new int[size];
    int[] indexAt = new int[size];
    int[] tokenAt = new int[size];
    for (int b = 0; b < blocks.size(); b++) {
      Block block = blocks.get(b);
      int token = 0;
      for (int i = 0; i < block.keys.length; i++) {
        int place = Arrays.binarySearch(keys, block.keys[i]);
        blockAt[place] = b;
        indexAt[place] = i;
        tokenAt[place] = token;
        token += block.lengths[i];
      }
    }
    RequestSet.Builder builder = RequestSet.builder();
    int[] answers = new int[size];
    int[] max = new int[size];
    for (int i = 0; i < size; i++) {
      Block block = blocks.get(blockAt[i]);
      int index = indexAt[i];
      answers[i] = block.answers[index];
      max[i] = block.maxTokens[index];
      int output = (int) Math.min(Integer.MAX_VALUE, (long) max[i] * answers[i]);
      builder.add(block.tokens, tokenAt[i], block.lengths[index], output, output);
    }
    return new RequestTable(keys, answers, max, builder.build());
  }

  /** Requests that travel to the driver together. */
  private record Block(long[] keys, int[] lengths, int[] maxTokens, int[] answers, int[] tokens)
      implements Serializable {}

  /** Packs rows into blocks of bounded size. */
  private static final class BlockIterator implements Iterator<Block> {
    private static final int ROWS = 1 << 14;
    private static final int TOKENS = 1 << 22;

    private final Iterator<Row> rows;

    BlockIterator(Iterator<Row> rows) {
      this.rows = rows;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Block next() {
      if (!rows.hasNext()) {
        throw new NoSuchElementException();
      }
      long[] keys = new long[ROWS];
      int[] lengths = new int[ROWS];
      int[] max = new int[ROWS];
      int[] answers = new int[ROWS];
      int[] tokens = new int[1 << 14];
      int count = 0;
      int used = 0;
      while (count < ROWS && used < TOKENS && rows.hasNext()) {
        Row row = rows.next();
        int[] prompt = PreparedSchema.decodeTokens(row.getAs(1));
        if (used + prompt.length > tokens.length) {
          tokens = Arrays.copyOf(tokens, Math.max(used + prompt.length, 2 * tokens.length));
        }
        System.arraycopy(prompt, 0, tokens, used, prompt.length);
        used += prompt.length;
        keys[count] = row.getLong(0);
        lengths[count] = prompt.length;
        max[count] = row.getInt(2);
        answers[count++] = row.getInt(3);
      }
      return new Block(
          Arrays.copyOf(keys, count),
          Arrays.copyOf(lengths, count),
          Arrays.copyOf(max, count),
          Arrays.copyOf(answers, count),
          Arrays.copyOf(tokens, used));
    }
  }
}
