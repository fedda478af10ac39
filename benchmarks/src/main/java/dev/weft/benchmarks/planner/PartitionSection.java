package dev.weft.benchmarks.planner;

import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.Plan;
import dev.weft.batching.plan.PlanOptions;
import dev.weft.batching.plan.Planner;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.simulate.SimulatedRun;
import dev.weft.batching.simulate.Simulator;
import dev.weft.datasets.workload.PaperWorkloads;
import dev.weft.datasets.workload.Workload;
import java.util.Locale;

/**
 * {@code dp.<k>}: the plan cut for {@code k} devices, every partition simulated with the true
 * output lengths.
 */
final class PartitionSection {
  private static final int[] PARTITIONS = {2, 4, 8, 64};

  private final Report report;
  private final Device device;
  private final boolean quick;
  private final long seed;

  PartitionSection(Report report, Device device, boolean quick, long seed) {
    this.report = report;
    this.device = device;
    this.quick = quick;
    this.seed = seed;
  }

  void run() {
    if (!report.wants("dp")) {
      return;
    }
    for (PaperWorkloads.Target target : PaperWorkloads.representative()) {
      if (!quick || target.name().equals("trace2")) {
        int requests = quick ? PaperSection.QUICK_REQUESTS : PaperSection.REQUESTS;
        Workload workload = target.workload(requests, device.workCost(), seed);
        measure(Case.of(workload), target.name(), PaperSection.text(workload, target));
      }
    }
  }

  private void measure(Case work, String workload, String text) {
    double whole = Double.NaN;
    for (int k : PARTITIONS) {
      if (!report.wants("dp." + k)) {
        continue;
      }
      if (Double.isNaN(whole)) {
        whole = seconds(work, plan(work, 1))[0];
      }
      Plan plan = plan(work, k);
      double[] seconds = seconds(work, plan);
      double longest = 0;
      double sum = 0;
      for (double each : seconds) {
        longest = Math.max(longest, each);
        sum += each;
      }
      String name = "dp." + k + "." + workload;
      double imbalance = longest * seconds.length / sum - 1;
      add(name + ".imbalance", imbalance, "longest over mean - 1", "", Double.NaN, text);
      add(name + ".scaling", whole / longest, "times", "one device", whole / longest, text);
      double computed = work.tree().distinctTokens();
      double lost = plan.tokensLostByCut();
      add(name + ".sharing_lost", lost, "tokens", "tokens of the tree", lost / computed, text);
      add(
          name + ".imbalance_predicted",
          plan.imbalance(),
          "longest over mean - 1",
          "",
          Double.NaN,
          text);
    }
  }

  private Plan plan(Case work, int partitions) {
    PlanOptions options = new PlanOptions(partitions, device.kvBudgetTokens(), Device.PAGE_TOKENS);
    return new Planner(device.cost(), options)
        .plan(work.tree(), SchedulingPolicies.named(PolicyRuns.SUBJECT));
  }

  private double[] seconds(Case work, Plan plan) {
    Simulator simulator = Case.simulator(device, device.kvBudgetTokens(), Device.PAGE_TOKENS);
    double[] seconds = new double[plan.partitions().size()];
    for (int i = 0; i < seconds.length; i++) {
      Partition partition = plan.partitions().get(i);
      SimulatedRun run =
          simulator.run(work.tree().requests(), plan.order(), partition, work.outputTokens());
      seconds[i] = run.seconds();
    }
    return seconds;
  }

  private void add(
      String name, double value, String unit, String baseline, double ratio, String text) {
    report.add(
        new Measurement(
            name,
            value,
            unit,
            baseline,
            ratio,
            0,
            String.format(Locale.ROOT, "%s, %s", PolicyRuns.SUBJECT, text),
            device.text(),
            seed));
  }
}
