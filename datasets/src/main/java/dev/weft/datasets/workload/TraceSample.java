package dev.weft.datasets.workload;

import java.util.SplittableRandom;

/** Requests drawn from a shape, and what the first {@code n} of them add up to. */
final class TraceSample {
  private final TraceShape shape;
  private final int[] own;
  private final int[] output;

  /** Sums over the requests before; a shared beginning counts for the first request that has it. */
  private final double[] compute;

  private final double[] memory;
  private final long[] prompt;
  private final long[] distinct;

  TraceSample(TraceShape shape, int requests, WorkCost cost, long seed) {
    this.shape = shape;
    SplittableRandom random = new SplittableRandom(seed);
    own = new int[requests];
    output = new int[requests];
    for (int i = 0; i < requests; i++) {
      own[i] = shape.ownTokens().sample(random);
      output[i] = shape.outputTokens().sample(random);
    }
    compute = new double[requests + 1];
    memory = new double[requests + 1];
    prompt = new long[requests + 1];
    distinct = new long[requests + 1];
    sum(cost);
  }

  private void sum(WorkCost cost) {
    for (int i = 0; i < own.length; i++) {
      int tokens = shape.sharedTokens() + own[i];
      int shared = i == 0 ? 0 : i < shape.groups() ? shape.systemTokens() : shape.sharedTokens();
      compute[i + 1] = compute[i] + cost.computeSeconds(tokens, shared, output[i]);
      memory[i + 1] = memory[i] + cost.memorySeconds(tokens, output[i]);
      prompt[i + 1] = prompt[i] + tokens;
      distinct[i + 1] = distinct[i] + tokens - shared;
    }
  }

  /** Multiplies the output lengths of the first requests and sums again. */
  void scaleOutputs(int requests, double factor, WorkCost cost) {
    for (int i = 0; i < requests; i++) {
      output[i] = (int) Math.max(1, Math.round(output[i] * factor));
    }
    sum(cost);
  }

  /** Compute seconds of the first requests with scaled output lengths. */
  double computeSeconds(int requests, double factor, WorkCost cost) {
    double sum = compute[requests];
    for (int i = 0; i < requests; i++) {
      long scaled = Math.max(1, Math.round(output[i] * factor));
      sum += cost.computeSeconds(1, 1, scaled) - cost.computeSeconds(1, 1, output[i]);
    }
    return sum;
  }

  /** Memory seconds of the first requests with scaled output lengths. */
  double memorySeconds(int requests, double factor, WorkCost cost) {
    double sum = 0;
    for (int i = 0; i < requests; i++) {
      long scaled = Math.max(1, Math.round(output[i] * factor));
      sum += cost.memorySeconds(shape.sharedTokens() + own[i], scaled);
    }
    return sum;
  }

  int size() {
    return own.length;
  }

  double computeSeconds(int requests) {
    return compute[requests];
  }

  double memorySeconds(int requests) {
    return memory[requests];
  }

  long promptTokens(int requests) {
    return prompt[requests];
  }

  long distinctTokens(int requests) {
    return distinct[requests];
  }

  /**
   * Adds the first requests to a workload.
   *
   * @param sharedStream number of the stream of the beginning; those of the groups follow it
   * @param ownStream number of the stream of the first request's own part; the others follow it
   */
  void addTo(Workload.Builder builder, int requests, int sharedStream, int ownStream) {
    for (int i = 0; i < requests; i++) {
      builder
          .segment(sharedStream, shape.systemTokens())
          .segment(sharedStream + 1 + i % shape.groups(), shape.groupTokens())
          .segment(ownStream + i, own[i]);
      if (shape.outputIsKnown()) {
        builder.endKnown(output[i]);
      } else {
        builder.end(output[i], shape.maxOutputTokens());
      }
    }
  }

  /** Numbers of streams that the beginnings take. */
  int sharedStreams() {
    return 1 + shape.groups();
  }
}
