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
 * {@link #RELATIVES} sampled requests, cut off at its own maximum.
 *
 * <p>Requests whose output length is known beforehand are neither drawn nor estimated.
 *
 * <p>Source: BlendServe (arXiv 2411.16102) samples 1% and takes the mean of the nearest sampled
 * relative; whole distributions are kept here.
 */
public final class OutputLengthEstimator {
  /** Sampled requests that a subtree must hold to speak for the others in it. */
  public static final int RELATIVES = 4;

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
    RequestSet requests = tree.requests();
    int n = requests.size();
    int[] known = new int[n];
    Arrays.fill(known, -1);
    for (int i = 0; i < sampled.length; i++) {
      known[sampled[i]] = outputTokens[i];
    }
    // Sampled requests below each sorted position, so that a subtree's count is a difference.
    int[] before = new int[n + 1];
    int[] lengths = new int[sampled.length];
    for (int position = 0; position < n; position++) {
      int length = known[tree.requestAt(position)];
      before[position + 1] = before[position] + (length < 0 ? 0 : 1);
      if (length >= 0) {
        lengths[before[position]] = length;
      }
    }
    int[] group = groups(tree, before, Math.min(RELATIVES, sampled.length));
    return new OutputLengths(tree, known, before, lengths, group);
  }

  /** For each node the nearest node at or above it with enough samples; top down. */
  private static int[] groups(PrefixTree tree, int[] before, int enough) {
    int[] group = new int[tree.nodes()];
    for (int node = 1; node < group.length; node++) {
      int samples = before[tree.endPosition(node)] - before[tree.firstPosition(node)];
      group[node] = samples >= enough ? node : group[tree.parent(node)];
    }
    return group;
  }
}
