package dev.weft.benchmarks.planner;

import dev.weft.datasets.workload.PaperWorkloads;
import dev.weft.datasets.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code paper.*} and {@code variance.*}: the workloads of BlendServe, synthesized. */
final class PaperSection {
  private static final double[] OVERLAPS = {0, 0.25, 0.5, 0.75, 1};
  static final int REQUESTS = 200_000;
  static final int GRID_REQUESTS = 20_000;
  static final int QUICK_REQUESTS = 3_000;

  private final Report report;
  private final boolean quick;
  private final long seed;

  PaperSection(Report report, boolean quick, long seed) {
    this.report = report;
    this.quick = quick;
    this.seed = seed;
  }

  /** The four workloads on both devices, and what they come to on average. */
  void representative(Device device) {
    Means means = new Means("paper.mean" + device.suffix(), device);
    for (PaperWorkloads.Target target : PaperWorkloads.representative()) {
      String prefix = "paper." + target.name() + device.suffix();
      if (report.wants(prefix) || report.wants(means.prefix)) {
        Workload workload = workload(target, device, REQUESTS);
        Case work = Case.of(workload);
        PolicyRuns runs = runs(work, device).runAll();
        String text = text(workload, target);
        runs.report(report, prefix, text, seed);
        detail(runs, prefix, text, device);
        means.add(runs);
        if (device == Device.PAPER_8B) {
          sensitivity(work, prefix, text, device);
        }
      }
    }
    means.report("the four workloads of the paper");
  }

  /** Density 0.80 to 1.40 by sharing 0.05 to 0.45. */
  void grid(Device device) {
    String prefix = "paper.grid" + device.suffix();
    Means means = new Means(prefix + ".summary", device);
    List<PaperWorkloads.Target> targets = PaperWorkloads.grid();
    for (int i = 0; i < targets.size(); i += quick ? 32 : 1) {
      PaperWorkloads.Target target = targets.get(i);
      String point = prefix + "." + target.name();
      if (report.wants(point) || report.wants(means.prefix)) {
        Workload workload = workload(target, device, GRID_REQUESTS);
        PolicyRuns runs = runs(Case.of(workload), device).runPair();
        String text = text(workload, target);
        runs.report(report, point, text, seed);
        bound(runs, point, text, device);
        means.add(runs);
      }
    }
    means.report(quick ? "3 points of the grid" : "65 points of the grid");
  }

  /** Mixes with real conversations. */
  void variance(Device device) {
    Means means = new Means("variance.mean", device);
    for (PaperWorkloads.Target target : PaperWorkloads.variance()) {
      String prefix = "variance." + target.name();
      if (report.wants(prefix) || report.wants(means.prefix)) {
        Workload workload = workload(target, device, REQUESTS);
        PolicyRuns runs = runs(Case.of(workload), device).runAll();
        String text = text(workload, target);
        report.add(
            measurement(
                prefix,
                runs.tokensPerSecond(PolicyRuns.SUBJECT),
                "tokens/s",
                "dfs on the same device",
                runs.speedup(PolicyRuns.SUBJECT),
                text,
                device));
        runs.report(report, prefix, text, seed);
        detail(runs, prefix, text, device);
        means.add(runs);
      }
    }
    means.report("the mixes with conversations");
  }

  private Workload workload(PaperWorkloads.Target target, Device device, int requests) {
    return target.workload(quick ? QUICK_REQUESTS : requests, device.workCost(), seed);
  }

  private static PolicyRuns runs(Case work, Device device) {
    return new PolicyRuns(work, device, device.kvBudgetTokens(), Device.PAGE_TOKENS);
  }

  private void detail(PolicyRuns runs, String prefix, String text, Device device) {
    bound(runs, prefix, text, device);
    double without =
        runs.tokensPerSecond(PolicyRuns.BASELINE)
            * runs.of(PolicyRuns.BASELINE).seconds()
            / PolicyRuns.withoutOverlapSeconds(runs.of(PolicyRuns.BASELINE));
    Device sequential = device.withOverlap(0);
    report.add(
        measurement(
            prefix + ".dfs_without_overlap",
            without,
            "tokens/s",
            "dfs on the same device",
            without / runs.tokensPerSecond(PolicyRuns.BASELINE),
            text,
            sequential));
    for (String policy : runs.all().keySet()) {
      report.add(
          measurement(
              prefix + ".over_dfs_without_overlap." + policy,
              runs.tokensPerSecond(policy),
              "tokens/s",
              "dfs, overlap 0",
              runs.speedupWithoutOverlap(policy),
              text,
              device));
      sharing(runs, prefix + ".sharing_kept." + policy, policy, text, device);
    }
    sharing(runs, prefix + ".sharing_kept", PolicyRuns.SUBJECT, text, device);
  }

  /** The bounds, and what part of the practical one is reached. */
  private void bound(PolicyRuns runs, String prefix, String text, Device device) {
    Bounds bounds = runs.bounds();
    double baseline = runs.of(PolicyRuns.BASELINE).seconds();
    double dfs = runs.tokensPerSecond(PolicyRuns.BASELINE);
    double[] seconds = {bounds.practicalSeconds(), bounds.idealSeconds()};
    String[] names = {".practical_optimum", ".ideal"};
    for (int i = 0; i < names.length; i++) {
      double speedup = baseline / seconds[i];
      report.add(
          measurement(
              prefix + names[i],
              dfs * speedup,
              "tokens/s",
              "dfs on the same device",
              speedup,
              text,
              device));
    }
    for (String policy : runs.all().keySet()) {
      double part = runs.ofOptimum(policy);
      report.add(
          measurement(
              prefix + ".of_optimum." + policy,
              part,
              "fraction",
              "practical optimum",
              part,
              text,
              device));
    }
  }

  private void sharing(PolicyRuns runs, String name, String policy, String text, Device device) {
    double kept = runs.sharingKept(policy);
    report.add(
        measurement(name, kept, "fraction", "whole pages, unlimited cache", kept, text, device));
  }

  /** Baseline and subject at overlaps from none to perfect. */
  private void sensitivity(Case work, String prefix, String text, Device device) {
    for (double overlap : OVERLAPS) {
      Device other = device.withOverlap(overlap);
      String name = String.format(Locale.ROOT, "%s.overlap-%.2f", prefix, overlap);
      if (report.wants(name)) {
        PolicyRuns runs = runs(work, other).runPair();
        runs.report(report, name, text, seed);
        bound(runs, name, text, other);
      }
    }
  }

  private Measurement measurement(
      String name,
      double value,
      String unit,
      String baseline,
      double ratio,
      String text,
      Device device) {
    return new Measurement(name, value, unit, baseline, ratio, 0, text, device.text(), seed);
  }

  static String text(Workload workload, PaperWorkloads.Target target) {
    return String.format(
        Locale.ROOT,
        "%s: %d requests, %.1f M prompt and %.1f M output tokens, density %.2f, sharing %.4f"
            + " (target %.2f)",
        target.name(),
        workload.size(),
        workload.totalPromptTokens() / 1e6,
        workload.totalOutputTokens() / 1e6,
        target.density(),
        workload.sharing(),
        target.sharing());
  }

  /** Averages of the subject over workloads. */
  private final class Means {
    final String prefix;
    private final Device device;
    private final List<Double> speedups = new ArrayList<>();
    private final List<Double> withoutOverlap = new ArrayList<>();
    private final List<Double> ofOptimum = new ArrayList<>();
    private final List<Double> sharing = new ArrayList<>();

    Means(String prefix, Device device) {
      this.prefix = prefix;
      this.device = device;
    }

    void add(PolicyRuns runs) {
      speedups.add(runs.speedup(PolicyRuns.SUBJECT));
      withoutOverlap.add(runs.speedupWithoutOverlap(PolicyRuns.SUBJECT));
      ofOptimum.add(runs.ofOptimum(PolicyRuns.SUBJECT));
      sharing.add(runs.sharingKept(PolicyRuns.SUBJECT));
    }

    void report(String text) {
      if (!speedups.isEmpty()) {
        add("blend_over_dfs", speedups, "dfs on the same device", text);
        add("blend_over_dfs_without_overlap", withoutOverlap, "dfs, overlap 0", text);
        add("blend_of_optimum", ofOptimum, "practical optimum", text);
        add("blend_sharing_kept", sharing, "whole pages, unlimited cache", text);
      }
    }

    private void add(String name, List<Double> values, String baseline, String text) {
      double mean = values.stream().mapToDouble(d -> d).average().orElseThrow();
      double least = values.stream().mapToDouble(d -> d).min().orElseThrow();
      double most = values.stream().mapToDouble(d -> d).max().orElseThrow();
      String range =
          String.format(Locale.ROOT, "mean over %s, from %.4f to %.4f", text, least, most);
      report.add(measurement(prefix + "." + name, mean, "ratio", baseline, mean, range, device));
    }
  }
}
