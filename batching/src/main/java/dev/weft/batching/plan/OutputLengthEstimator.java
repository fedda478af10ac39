package dev.weft.batching.plan;

import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Estimates output lengths from a sample of requests that were run first.
 *
 * <p>The sample is stratified over the prefix tree: the sorted requests are cut into equal strata
 * and one request is drawn from each, so that every large subtree is met in proportion. A request
 * that was not sampled takes the distribution of the smallest subtree around it that holds at least
 * {@link #RELATIVES} sampled requests and differs from the one around that, cut off at its own
 * maximum.
 *
 * <p>Requests whose output length is known beforehand are neither drawn nor estimated.
 *
 * <p>Source: BlendServe (arXiv 2411.16102) samples 1% and takes the mean of the nearest sampled
 * relative; whole distributions are kept here.
 */
public final class OutputLengthEstimator {
  /** Sampled requests that a subtree must hold to speak for the others in it. */
  public static final int RELATIVES = 4;

  /** A subtree is tested if it has at most this part of the samples of the last one above it. */
  private static final double TEST_AGAIN = 0.8;

  private static final double KOLMOGOROV_5_PERCENT = 1.358;

  /** So many tell distributions; more would be memory that grows with the requests done. */
  private static final int MOST_SAMPLES = 1 << 16;

  private OutputLengthEstimator() {}

  /**
   * Chooses the requests to run first.
   *
   * @param fraction wanted part of all requests, in (0, 1]
   * @param atLeast fewest requests to choose, as far as there are so many
   * @param seed the same seed and tree give the same sample
   * @return request numbers, each once, in depth-first order
   */
  public static int[] sample(PrefixTree tree, double fraction, int atLeast, long seed) {
    if (!(fraction > 0 && fraction <= 1)) {
      throw new IllegalArgumentException("sample fraction must be in (0, 1], got " + fraction);
    }
    int[] unknown = unknownPositions(tree);
    int n = unknown.length;
    int count = Math.min(n, Math.max(atLeast, (int) Math.ceil(n * fraction)));
    SplittableRandom random = new SplittableRandom(seed);
    int[] sample = new int[count];
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) n * i / count);
      int to = (int) ((long) n * (i + 1) / count);
      sample[i] = tree.requestAt(unknown[random.nextInt(from, to)]);
    }
    return sample;
  }

  /** Sorted positions of the requests whose output lengths are not known beforehand. */
  private static int[] unknownPositions(PrefixTree tree) {
    RequestSet requests = tree.requests();
    int[] positions = new int[requests.size()];
    int count = 0;
    for (int position = 0; position < positions.length; position++) {
      if (!requests.isOutputKnown(tree.requestAt(position))) {
        positions[count++] = position;
      }
    }
    return Arrays.copyOf(positions, count);
  }

  /**
   * Distributions for all requests.
   *
   * @param sampled request numbers that were run, each once
   * @param outputTokens how many tokens each of them generated
   */
  public static OutputLengths estimate(PrefixTree tree, int[] sampled, int[] outputTokens) {
    if (sampled.length != outputTokens.length) {
      throw new IllegalArgumentException(
          sampled.length + " sampled requests but " + outputTokens.length + " output lengths");
    }
    int[] known = new int[tree.requests().size()];
    Arrays.fill(known, -1);
    for (int i = 0; i < sampled.length; i++) {
      known[sampled[i]] = outputTokens[i];
    }
    return estimate(tree, known);
  }

  /**
   * Distributions for all requests. What they take does not depend on how many were run.
   *
   * @param known by request, the tokens that it generated; -1 where it was not run; not copied
   */
  public static OutputLengths estimate(PrefixTree tree, int[] known) {
    int n = tree.requests().size();
    if (known.length != n) {
      throw new IllegalArgumentException(known.length + " output lengths for " + n + " requests");
    }
    int all = 0;
    for (int length : known) {
      all += length < 0 ? 0 : 1;
    }
    // Samples below each sorted position, so that a subtree's count is a difference.
    int[] before = new int[n + 1];
    int[] lengths = new int[Math.min(all, MOST_SAMPLES)];
    int seen = 0;
    int taken = 0;
    for (int position = 0; position < n; position++) {
      int length = known[tree.requestAt(position)];
      // Evenly spread over the tree where there are more than are taken.
      if (length >= 0 && taken < lengths.length && seen++ == (long) all * taken / lengths.length) {
        lengths[taken++] = length;
      }
      before[position + 1] = taken;
    }
    int[] group = groups(tree, before, lengths, RELATIVES);
    return new OutputLengths(tree, known, before, lengths, group);
  }

  /**
   * For each node the node whose samples speak for it: the deepest one at or above it that has
   * enough of them and whose lengths are not those of the group around it; top down.
   */
  private static int[] groups(PrefixTree tree, int[] before, int[] lengths, int enough) {
    int nodes = tree.nodes();
    int[] group = new int[nodes];
    int[][] sorted = new int[nodes][];
    // By node: samples of the last node at or above it that was tested.
    int[] tested = new int[nodes];
    sorted[0] = sorted(lengths, 0, lengths.length);
    tested[0] = lengths.length;
    for (int node = 1; node < nodes; node++) {
      int parent = tree.parent(node);
      int from = before[tree.firstPosition(node)];
      int to = before[tree.endPosition(node)];
      group[node] = group[parent];
      tested[node] = tested[parent];
      if (to - from >= enough && to - from <= TEST_AGAIN * tested[parent]) {
        int[] own = sorted(lengths, from, to);
        tested[node] = own.length;
        if (differ(own, sorted[group[parent]])) {
          group[node] = node;
          sorted[node] = own;
        }
      }
    }
    return group;
  }

  private static int[] sorted(int[] lengths, int from, int to) {
    int[] sorted = Arrays.copyOfRange(lengths, from, to);
    Arrays.sort(sorted);
    return sorted;
  }

  /**
   * Whether lengths are distributed unlike the others of the group they are part of, by the test of
   * Kolmogorov and Smirnov at a level of 5%. A few relatives tell little of widely spread lengths,
   * least of all of the longest ones, so they speak for themselves only if they have something else
   * to say.
   */
  static boolean differ(int[] part, int[] whole) {
    int k = part.length;
    int others = whole.length - k;
    if (others <= 0) {
      return false;
    }
    double most = 0;
    int below = 0;
    for (int i = 0; i < k; i++) {
      while (below < whole.length && whole[below] < part[i]) {
        below++;
      }
      int upTo = below;
      while (upTo < whole.length && whole[upTo] == part[i]) {
        upTo++;
      }
      int next = i;
      while (next < k && part[next] == part[i]) {
        next++;
      }
      most = Math.max(most, Math.abs((double) i / k - (double) (below - i) / others));
      most = Math.max(most, Math.abs((double) next / k - (double) (upTo - next) / others));
      i = next - 1;
    }
    return most > KOLMOGOROV_5_PERCENT * Math.sqrt(1.0 / k + 1.0 / others);
  }
}
