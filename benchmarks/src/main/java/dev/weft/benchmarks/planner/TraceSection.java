package dev.weft.benchmarks.planner;

import dev.weft.batching.request.RequestSet;
import dev.weft.datasets.workload.AzureTrace;
import dev.weft.datasets.workload.MooncakeTrace;
import dev.weft.datasets.workload.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * {@code trace.*} and {@code sharing.bbh}: recorded requests with KV budgets from everything to 2%
 * of the tokens, against what an optimal cache would keep for the same order. Output lengths are
 * taken as known.
 */
final class TraceSection {
  private static final int[] PERCENTS = {100, 50, 20, 10, 5, 2};
  private static final int[] QUICK_PERCENTS = {100, 5};
  private static final int QUICK_REQUESTS = 1_000;

  private final Report report;
  private final Device device;
  private final boolean quick;
  private final Path data;

  /**
   * @param data folder of the shared data
   */
  TraceSection(Report report, Device device, boolean quick, Path data) {
    this.report = report;
    this.device = device;
    this.quick = quick;
    this.data = data;
  }

  /**
   * Production traces: Mooncake with its hashes in pages of its blocks, Azure with lengths only.
   *
   * @throws IOException if a trace is there and cannot be read
   */
  void traces() throws IOException {
    Path mooncake = data.resolve("traces").resolve("mooncake-conversation.jsonl");
    if (isWanted("trace.mooncake-conversation", mooncake)) {
      Case work = Case.known(requests(MooncakeTrace.read(mooncake)));
      measure("trace.mooncake-conversation", work, MooncakeTrace.BLOCK_TOKENS);
    }
    Path azure = data.resolve("traces").resolve("azure-code-2023.csv");
    if (isWanted("trace.azure-code-2023", azure)) {
      Case work = Case.known(requests(AzureTrace.read(azure)));
      measure("trace.azure-code-2023", work, Device.PAGE_TOKENS);
    }
  }

  /**
   * BIG-Bench Hard, all 27 tasks.
   *
   * @throws IOException if it is there and cannot be read
   */
  void bbh() throws IOException {
    Path folder = data.resolve("requests").resolve("bbh");
    if (isWanted("sharing.bbh", folder)) {
      measure("sharing.bbh", Case.known(BbhRequests.read(folder)), Device.PAGE_TOKENS);
    }
  }

  private boolean isWanted(String name, Path path) {
    if (!report.wants(name)) {
      return false;
    }
    if (!Files.exists(path)) {
      System.err.println(
          "WARNING: " + name + " is not measured: there is no " + path + "; give --data DIR");
      return false;
    }
    return true;
  }

  private RequestSet requests(Workload trace) {
    Workload workload = quick ? trace.first(Math.min(QUICK_REQUESTS, trace.size())) : trace;
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < workload.size(); i++) {
      builder.add(workload.prompt(i), workload.outputTokens(i), workload.outputTokens(i));
    }
    return builder.build();
  }

  private void measure(String prefix, Case work, int pageTokens) {
    long promptTokens = work.tree().promptTokens();
    long everything = work.tree().distinctTokens() + work.totalTokens() - promptTokens;
    int requests = work.tree().requests().size();
    for (int percent : quick ? QUICK_PERCENTS : PERCENTS) {
      String name = prefix + ".kv" + percent;
      if (report.wants(name) || percent == 100) {
        // Pages are not filled to their ends: each request may waste one.
        long slack = percent == 100 ? (long) requests * pageTokens : 0;
        long kvTokens = everything * percent / 100 + slack;
        String text =
            String.format(
                Locale.ROOT,
                "%s: %d requests, %.1f M prompt tokens, KV of %.2f M tokens: %d%% of all different"
                    + " ones, pages of %d",
                prefix,
                requests,
                promptTokens / 1e6,
                kvTokens / 1e6,
                percent,
                pageTokens);
        PolicyRuns runs = new PolicyRuns(work, device, kvTokens, pageTokens).runAll();
        runs.report(report, name, text, 0);
        for (String policy : runs.all().keySet()) {
          sharing(work, runs, policy, name, text, kvTokens, pageTokens);
          if (percent == 100) {
            long saved = runs.of(policy).statistics().sharedTokens();
            add(prefix + "." + policy, saved, work, pageTokens, text);
          }
        }
      }
    }
  }

  private void sharing(
      Case work,
      PolicyRuns runs,
      String policy,
      String name,
      String text,
      long kvTokens,
      int pageTokens) {
    if (work.tree().reusableTokens(pageTokens) == 0) {
      return;
    }
    BeladyBound belady = BeladyBound.of(work.tree().requests(), runs.order(policy), pageTokens);
    long bound = belady.hits((int) (kvTokens / pageTokens)) * pageTokens;
    long saved = runs.of(policy).statistics().sharedTokens();
    add(name + ".sharing_kept." + policy, saved, bound, "Belady bound of the order", text);
    add(name + ".sharing_of_unlimited." + policy, saved, work, pageTokens, text);
    add(name + ".belady_of_unlimited." + policy, bound, work, pageTokens, text);
  }

  private void add(String name, long tokens, Case work, int pageTokens, String text) {
    long possible = work.tree().reusableTokens(pageTokens);
    add(name, tokens, possible, "unlimited cache, any order", text);
  }

  private void add(String name, long tokens, long bound, String baseline, String text) {
    double ratio = bound == 0 ? Double.NaN : (double) tokens / bound;
    report.add(
        new Measurement(name, tokens, "tokens saved", baseline, ratio, 0, text, device.text(), 0));
  }
}
