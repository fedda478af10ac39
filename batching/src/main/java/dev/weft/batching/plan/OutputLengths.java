package dev.weft.batching.plan;

import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.OutputGroups;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.util.Arrays;

/**
 * Distributions of output lengths: of a sampled request the observed length, of any other the
 * sampled lengths of its nearest relatives. With no sample at all, the maximum of the request.
 */
public final class OutputLengths {
  private final PrefixTree tree;
  private final int[] known;
  private final int[] before;
  private final int[] lengths;

  /** By node: the node whose samples speak for it. */
  private final int[] group;

  private final int[] nodeOfRequest;

  /** By node, made when first asked for: the samples below it in ascending order. */
  private final int[][] sorted;

  OutputLengths(PrefixTree tree, int[] known, int[] before, int[] lengths, int[] group) {
    this.tree = tree;
    this.known = known;
    this.before = before;
    this.lengths = lengths;
    this.group = group;
    nodeOfRequest = tree.nodeOfRequests();
    sorted = new int[tree.nodes()][];
  }

  /**
   * Expected output tokens of every request: the mean, each sample cut at the request's maximum.
   */
  public int[] means() {
    RequestSet requests = tree.requests();
    int[] means = new int[requests.size()];
    int lastNode = -1;
    int lastMax = -1;
    int lastMean = 0;
    for (int position = 0; position < means.length; position++) {
      int request = tree.requestAt(position);
      int node = group[tree.nodeAt(position)];
      int max = requests.maxOutputTokens(request);
      if (requests.isOutputKnown(request)) {
        means[request] = requests.estimatedOutputTokens(request);
      } else if (known[request] >= 0) {
        means[request] = Math.min(known[request], max);
      } else {
        if (node != lastNode || max != lastMax) {
          lastNode = node;
          lastMax = max;
          lastMean = mean(samplesBelow(node), max);
        }
        means[request] = lastMean;
      }
    }
    return means;
  }

  /** The tree with these lengths: the means, and the distributions they are means of. */
  public PrefixTree tree() {
    return tree.withOutputs(means(), groups());
  }

  /**
   * Distributions of the requests that were not sampled and have no known length. Groups get theirs
   * from the root down; one that comes after {@link OutputGroups#MOST} others takes that of the
   * group around it.
   */
  private OutputGroups groups() {
    OutputGroups.Builder builder = new OutputGroups.Builder(tree.requests().size());
    int[] index = new int[tree.nodes()];
    for (int node = 0; node < index.length; node++) {
      int parent = node == 0 ? -1 : index[tree.parent(node)];
      index[node] =
          group[node] != node || builder.isFull() || samplesBelow(node).length == 0
              ? parent
              : builder.add(OutputDistribution.ofSamples(samplesBelow(node)));
    }
    for (int position = 0; position < nodeOfRequest.length; position++) {
      int request = tree.requestAt(position);
      int at = index[tree.nodeAt(position)];
      if (known[request] < 0 && !tree.requests().isOutputKnown(request) && at >= 0) {
        builder.set(request, at);
      }
    }
    return builder.build();
  }

  /**
   * A quantile of a request's output tokens, cut at its maximum.
   *
   * @param quantile in 0..1; 0.5 is the median
   */
  public int quantile(int request, double quantile) {
    int max = tree.requests().maxOutputTokens(request);
    if (tree.requests().isOutputKnown(request)) {
      return tree.requests().estimatedOutputTokens(request);
    }
    if (known[request] >= 0) {
      return Math.min(known[request], max);
    }
    int[] samples = samplesBelow(group[nodeOfRequest[request]]);
    if (samples.length == 0) {
      return max;
    }
    int index = (int) Math.ceil(quantile * samples.length) - 1;
    return Math.min(samples[Math.clamp(index, 0, samples.length - 1)], max);
  }

  /** Sampled requests whose lengths speak for this request; itself alone if it was sampled. */
  public int samples(int request) {
    return known[request] >= 0 ? 1 : samplesBelow(group[nodeOfRequest[request]]).length;
  }

  private int[] samplesBelow(int node) {
    if (sorted[node] == null) {
      int from = before[tree.firstPosition(node)];
      sorted[node] = Arrays.copyOfRange(lengths, from, before[tree.endPosition(node)]);
      Arrays.sort(sorted[node]);
    }
    return sorted[node];
  }

  private static int mean(int[] samples, int max) {
    if (samples.length == 0) {
      return max;
    }
    long sum = 0;
    for (int sample : samples) {
      sum += Math.min(sample, max);
    }
    return (int) Math.round((double) sum / samples.length);
  }
}
