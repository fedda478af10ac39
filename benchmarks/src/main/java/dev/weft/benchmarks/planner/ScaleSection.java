package dev.weft.benchmarks.planner;

import com.sun.management.ThreadMXBean;
import dev.weft.batching.plan.OutputLengthEstimator;
import dev.weft.batching.plan.PlanOptions;
import dev.weft.batching.plan.Planner;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * {@code plan.seconds} and {@code plan.bytes_per_token}: from token ids to a plan in 8 partitions,
 * in real time on this machine.
 *
 * <p>Bytes are everything that all threads allocated while planning, garbage included, over the
 * prompt tokens: an upper bound of what planning needs beside the tokens at any time.
 */
final class ScaleSection {
  private static final int[] REQUESTS = {10_000, 100_000, 1_000_000};
  private static final int HASHED_REQUESTS = 10_000_000;
  private static final int BLOCK_TOKENS = 512;
  private static final int PARTITIONS = 8;
  private static final int REPETITIONS = 3;

  private final Report report;
  private final Device device;
  private final boolean quick;
  private final long seed;

  ScaleSection(Report report, Device device, boolean quick, long seed) {
    this.report = report;
    this.device = device;
    this.quick = quick;
    this.seed = seed;
  }

  void run() {
    if (!report.wants("plan")) {
      return;
    }
    for (int requests : quick ? new int[] {2_000, 10_000} : REQUESTS) {
      measure(label(requests), requests, 1, "token ids");
    }
    int hashed = quick ? 20_000 : HASHED_REQUESTS;
    measure(label(hashed) + "_hashed", hashed, BLOCK_TOKENS, "hashes of blocks of 512 tokens");
  }

  private void measure(String label, int requests, int tokensPerId, String form) {
    String secondsName = "plan.seconds." + label;
    String bytesName = "plan.bytes_per_token." + label;
    if (!report.wants(secondsName) && !report.wants(bytesName)) {
      return;
    }
    // About 1,000 tokens a request, and as much again to plan with.
    long needed = (long) requests * 1_000 / tokensPerId * 4 + requests * 400L;
    if (needed > Runtime.getRuntime().maxMemory() * 0.9) {
      String why =
          String.format(
              Locale.ROOT,
              "not measured: needs a heap of %.1f GB, this one has %.1f; set WEFT_HEAP",
              needed / 0.9e9,
              Runtime.getRuntime().maxMemory() / 1e9);
      System.err.println("WARNING: " + secondsName + " " + why);
      add(secondsName, Double.NaN, "seconds", 0, why);
      add(bytesName, Double.NaN, "bytes per prompt token", 0, why);
      return;
    }
    RequestSet set = requests(requests, tokensPerId);
    long tokens = 0;
    for (int i = 0; i < set.size(); i++) {
      tokens += (long) set.promptTokens(i) * tokensPerId;
    }
    int repetitions = requests > 100_000 ? 1 : REPETITIONS;
    double[] seconds = new double[repetitions];
    double[] bytes = new double[repetitions];
    for (int i = requests > 100_000 ? 0 : -1; i < repetitions; i++) {
      long allocated = allocatedBytes();
      long start = System.nanoTime();
      plan(set);
      double elapsed = (System.nanoTime() - start) / 1e9;
      if (i >= 0) {
        seconds[i] = elapsed;
        bytes[i] = (double) (allocatedBytes() - allocated) / tokens;
      }
    }
    String text =
        String.format(
            Locale.ROOT,
            "%d requests, %.1f M tokens as %s; tree, estimates from a 1%% sample, %s, %d partitions;"
                + " %d runs",
            requests,
            tokens / 1e6,
            form,
            PolicyRuns.SUBJECT,
            PARTITIONS,
            repetitions);
    add(secondsName, median(seconds), "seconds", spread(seconds), text);
    add(
        bytesName,
        median(bytes),
        "bytes per prompt token",
        spread(bytes),
        text + "; all allocated bytes");
  }

  private void plan(RequestSet set) {
    PrefixTree tree = PrefixTree.build(set);
    int[] sample = OutputLengthEstimator.sample(tree, 0.01, 16, seed);
    int[] lengths = new int[sample.length];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = output(sample[i]);
    }
    int[] means = OutputLengthEstimator.estimate(tree, sample, lengths).means();
    PlanOptions options = new PlanOptions(PARTITIONS, device.kvBudgetTokens(), Device.PAGE_TOKENS);
    new Planner(device.cost(), options)
        .plan(tree.withEstimatedOutputTokens(means), SchedulingPolicies.named(PolicyRuns.SUBJECT));
  }

  /** Applications, templates in them, documents in those, and something of its own. */
  private RequestSet requests(int count, int tokensPerId) {
    SplittableRandom random = new SplittableRandom(seed);
    RequestSet.Builder builder = RequestSet.builder();
    int[] lengths = {200, 200, 200};
    int[] numbers = {20, 50, 100};
    for (int i = 0; i < count; i++) {
      int own = 100 + random.nextInt(600);
      int prefix = 0;
      int[] prompt = new int[Math.max(1, (600 + own + tokensPerId - 1) / tokensPerId)];
      int at = 0;
      int tokens = 0;
      for (int level = 0; level < lengths.length; level++) {
        prefix = prefix * 1_000 + random.nextInt(numbers[level]) + 1;
        tokens += lengths[level];
        for (; at < tokens / tokensPerId; at++) {
          prompt[at] = id(prefix, at);
        }
      }
      for (; at < prompt.length; at++) {
        prompt[at] = id(i + 0x4000_0000, at);
      }
      builder.add(prompt, 4_096);
    }
    return builder.build();
  }

  private static int id(int stream, int position) {
    long z = ((long) stream << 32 | position) * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    return (int) (z >>> 34);
  }

  /** Output length that a request would turn out to have. */
  private static int output(int request) {
    int bits = id(request, 0);
    return (bits & 15) == 0 ? 2_000 + (bits >>> 8) % 2_000 : 1 + (bits >>> 8) % 100;
  }

  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
  }

  private static String label(int requests) {
    return requests >= 1_000_000 ? requests / 1_000_000 + "m" : requests / 1_000 + "k";
  }

  private void add(String name, double value, String unit, double spread, String text) {
    String machine =
        String.format(
            Locale.ROOT,
            "this machine, %d cores, Java %s",
            Runtime.getRuntime().availableProcessors(),
            Runtime.version());
    report.add(new Measurement(name, value, unit, "", Double.NaN, spread, text, machine, seed));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static double spread(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[sorted.length * 3 / 4] - sorted[sorted.length / 4]) / (2 * median(values));
  }
}
