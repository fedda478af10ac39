package dev.weft.benchmarks.planner;

import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.simulate.SimulatedRun;
import dev.weft.batching.simulate.Simulator;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.datasets.workload.Workload;

/**
 * Requests as the planner sees them, and their true output lengths. The planner's estimates are
 * those of a 1% sample; output lengths that are known beforehand are taken as they are.
 */
final class Case {
  private static final double SAMPLE_FRACTION = 0.01;
  private static final int LEAST_SAMPLE = 16;

  private final PrefixTree tree;
  private final int[] outputTokens;

  private Case(PrefixTree tree, int[] outputTokens) {
    this.tree = tree;
    this.outputTokens = outputTokens;
  }

  static Case of(Workload workload) {
    RequestSet.Builder builder = RequestSet.builder();
    int[] outputs = new int[workload.size()];
    for (int i = 0; i < outputs.length; i++) {
      outputs[i] = workload.outputTokens(i);
      if (workload.isOutputKnown(i)) {
        builder.addKnownOutput(workload.prompt(i), outputs[i]);
      } else {
        builder.add(workload.prompt(i), workload.maxOutputTokens(i));
      }
    }
    PrefixTree tree = PrefixTree.build(builder.build());
    return new Case(estimated(tree, outputs, workload.seed()), outputs);
  }

  /** Requests whose output lengths are all known. */
  static Case known(RequestSet requests) {
    int[] outputs = new int[requests.size()];
    for (int i = 0; i < outputs.length; i++) {
      outputs[i] = requests.estimatedOutputTokens(i);
    }
    return new Case(PrefixTree.build(requests), outputs);
  }

  private static PrefixTree estimated(PrefixTree tree, int[] outputs, long seed) {
    int[] sample = OutputLengthEstimator.sample(tree, SAMPLE_FRACTION, LEAST_SAMPLE, seed);
    int[] lengths = new int[sample.length];
    for (int i = 0; i < sample.length; i++) {
      lengths[i] = outputs[sample[i]];
    }
    return OutputLengthEstimator.estimate(tree, sample, lengths).tree();
  }

  /** The tree with the lengths that the planner knows. */
  PrefixTree tree() {
    return tree;
  }

  /** The tree with the true lengths, for bounds. */
  PrefixTree truth() {
    return tree.withEstimatedOutputTokens(outputTokens);
  }

  int[] outputTokens() {
    return outputTokens;
  }

  /** Prompt and output tokens of all requests. */
  long totalTokens() {
    long sum = tree.promptTokens();
    for (int output : outputTokens) {
      sum += output;
    }
    return sum;
  }

  /** Runs the whole order on one device. */
  SimulatedRun run(PlannedOrder order, Device device, long kvTokens, int pageTokens) {
    return simulator(device, kvTokens, pageTokens)
        .run(tree.requests(), order, 0, order.size(), outputTokens);
  }

  static Simulator simulator(Device device, long kvTokens, int pageTokens) {
    StepLimits limits = Device.LIMITS;
    int pages = Math.toIntExact(Math.max(1, kvTokens / pageTokens));
    return new Simulator(device.cost(), limits, pages, pageTokens);
  }

  /** Throughput as the paper defines it: all prompt and output tokens over the time. */
  double tokensPerSecond(double seconds) {
    return totalTokens() / seconds;
  }
}
