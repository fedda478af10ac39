package dev.weft.benchmarks.planner;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.PieceSizes;
import dev.weft.batching.plan.Plan;
import dev.weft.batching.plan.PlanOptions;
import dev.weft.batching.plan.Planner;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.simulate.SimulatedRun;
import dev.weft.batching.simulate.Simulator;
import dev.weft.datasets.workload.PaperWorkloads;
import dev.weft.datasets.workload.Workload;
import java.util.Arrays;
import java.util.Locale;

/**
 * {@code dp.<k>}: the plan cut for {@code k} devices, every partition simulated with the true
 * output lengths: in one partition for each device, and ({@code .tail}) in a large and three small
 * ones, which start in their order on the device that is free first.
 *
 * <p>No cut ends before the longest request alone, and a device that runs it takes many steps with
 * little else: {@code .imbalance_to_bound} counts how much later than that, or than the mean of the
 * devices, the last one ends.
 */
final class PartitionSection {
  private static final int[] DEVICES = {2, 4, 8, 64};

  /** Partitions for each device if there are small ones. */
  private static final int WITH_TAIL = 4;

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
    double alone = alone(work);
    for (int k : DEVICES) {
      String name = "dp." + k + "." + workload;
      if (!report.wants(name)) {
        continue;
      }
      if (Double.isNaN(whole)) {
        whole = seconds(work, plan(work, 1, 1))[0];
      }
      measure(work, name, plan(work, k, k), k, whole, alone, text);
      measure(work, name + ".tail", plan(work, k * WITH_TAIL, k), k, whole, alone, text);
    }
  }

  private void measure(
      Case work, String name, Plan plan, int k, double whole, double alone, String text) {
    double[] ends = PieceSizes.finishSeconds(seconds(work, plan), k);
    double last = Arrays.stream(ends).max().orElse(0);
    double bound = Math.max(alone, Arrays.stream(ends).average().orElse(0));
    String unit = "last over mean - 1";
    add(name + ".imbalance", PieceSizes.imbalance(ends), unit, "", Double.NaN, text);
    add(name + ".imbalance_predicted", plan.imbalance(), unit, "", Double.NaN, text);
    add(
        name + ".imbalance_to_bound",
        Math.max(0, last / bound - 1),
        "last over the larger of mean and longest request - 1",
        "",
        Double.NaN,
        text);
    add(name + ".scaling", whole / last, "times", "one device", whole / last, text);
    double computed = work.tree().distinctTokens();
    double lost = plan.tokensLostByCut();
    add(name + ".sharing_lost", lost, "tokens", "tokens of the tree", lost / computed, text);
  }

  /** Seconds of the request that takes longest alone. */
  private double alone(Case work) {
    RequestSet requests = work.tree().requests();
    CostModel cost = device.cost();
    double longest = 0;
    for (int i = 0; i < requests.size(); i++) {
      int prompt = requests.promptTokens(i);
      int output = work.outputTokens()[i];
      double step = cost.stepSeconds(1, 1, 0, prompt + output / 2);
      longest = Math.max(longest, cost.prefillSeconds(0, prompt) + output * step);
    }
    return longest;
  }

  private Plan plan(Case work, int partitions, int slots) {
    PlanOptions options =
        new PlanOptions(partitions, slots, device.kvBudgetTokens(), Device.PAGE_TOKENS);
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
