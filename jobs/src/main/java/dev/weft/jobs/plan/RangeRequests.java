package dev.weft.jobs.plan;

import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.plan.OutputLengths;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * The requests of one range with what is expected of them.
 *
 * <p>Output lengths are those of the sampled relatives within the range. Where a range holds fewer
 * than {@link OutputLengthEstimator#RELATIVES} of them, those of the whole table stand in.
 *
 * @param table the requests by row key
 * @param tree their prefix tree, with expected output lengths
 * @param outputs range of the output lengths
 * @param done places in the table that need not run
 */
record RangeRequests(RequestTable table, PrefixTree tree, OutputRange outputs, int[] done) {
  private static final int OUTPUT_TOKENS = 4;

  /**
   * @param rows key, tokens, {@code max_tokens}, {@code n}, and the output tokens of a request that
   *     is done or null
   */
  static RangeRequests of(Iterator<Row> rows, RangeSpec spec) {
    List<long[]> known = new ArrayList<>();
    RequestTable table =
        RequestTable.of(
            new Iterator<>() {
              @Override
              public boolean hasNext() {
                return rows.hasNext();
              }

              @Override
              public Row next() {
                Row row = rows.next();
                if (!row.isNullAt(OUTPUT_TOKENS)) {
                  known.add(new long[] {row.getLong(0), row.getLong(OUTPUT_TOKENS)});
                }
                return row;
              }
            });
    known.sort((a, b) -> Long.compare(a[0], b[0]));
    int[] done = new int[known.size()];
    int[] lengths = new int[done.length];
    for (int i = 0; i < done.length; i++) {
      done[i] = Arrays.binarySearch(table.rowKeys(), known.get(i)[0]);
      lengths[i] = (int) Math.min(Integer.MAX_VALUE, known.get(i)[1]);
    }
    PrefixTree tree = PrefixTree.build(table.requests());
    if (done.length == 0 && spec.sampledOutputs().length == 0) {
      return new RangeRequests(table, tree, OutputRange.unknown(tree.requests()), done);
    }
    OutputLengths relatives = OutputLengthEstimator.estimate(tree, done, lengths);
    int[] means = relatives.means();
    if (done.length < OutputLengthEstimator.RELATIVES) {
      standIn(means, table.requests(), spec.sampledOutputs(), done);
    }
    tree = tree.withEstimatedOutputTokens(means);
    return new RangeRequests(table, tree, OutputRange.sampled(tree.requests(), relatives), done);
  }

  /** Replaces the estimates of all but the done requests by the mean of the whole table. */
  private static void standIn(int[] means, RequestSet requests, int[] sampled, int[] done) {
    int[] own = means.clone();
    for (int i = 0; i < means.length; i++) {
      long sum = 0;
      for (int length : sampled) {
        sum += Math.min(length, requests.maxOutputTokens(i));
      }
      means[i] = (int) Math.round((double) sum / Math.max(1, sampled.length));
    }
    for (int place : done) {
      means[place] = own[place];
    }
  }

  /** The requests that are not done, with their expected output lengths. */
  RequestTable left() {
    boolean[] taken = new boolean[table.size()];
    for (int place : done) {
      taken[place] = true;
    }
    int[] places = new int[table.size() - done.length];
    int count = 0;
    for (int i = 0; i < table.size(); i++) {
      if (!taken[i]) {
        places[count++] = i;
      }
    }
    return new RequestTable(table.rowKeys(), table.answers(), table.maxTokens(), tree.requests())
        .subset(places);
  }
}
