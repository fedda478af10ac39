package dev.weft.jobs.report;

import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.Quantile;
import dev.weft.jobs.run.PlanSummary.SharingLevel;
import dev.weft.jobs.run.PlanSummary.TopPrefix;
import java.util.stream.Collectors;

/** A plan in a few aligned lines. */
final class TerminalPlan {
  private final FactLines lines = new FactLines();
  private final PlanSummary plan;

  private TerminalPlan(PlanSummary plan) {
    this.plan = plan;
  }

  static String of(PlanSummary plan) {
    TerminalPlan report = new TerminalPlan(plan);
    report.requests();
    report.sharing();
    report.densities();
    report.order();
    report.device();
    report.first();
    return report.lines.text();
  }

  private void requests() {
    lines.line(
        "rows",
        "%s: %s to run, %s answered by an identical one, %s"
            .formatted(
                Format.count(plan.rows()),
                Format.count(plan.requests(), "request"),
                Format.count(plan.duplicateRows()),
                Format.count(plan.errorRows(), "error")));
    lines.line(
        "tokens",
        "%s prompt, %s output expected (from %s%s)"
            .formatted(
                Format.count(plan.promptTokens()),
                Format.count(plan.expectedOutputTokens()),
                plan.outputLengthSource(),
                plan.sampledRequests() > 0
                    ? ", " + Format.count(plan.sampledRequests(), "request")
                    : ""));
    lines.line(
        "tree",
        "%s on %s (%s), cut into %s"
            .formatted(
                Format.count(plan.treeNodes(), "node"),
                plan.level().levels() == 1
                    ? "one level"
                    : "two levels, " + Format.count(plan.level().ranges(), "range"),
                plan.level().why(),
                Format.count(plan.partitions(), "partition")));
  }

  private void sharing() {
    double reusable =
        plan.promptTokens() == 0 ? 0 : (double) plan.reusableTokens() / plan.promptTokens();
    lines.line(
        "sharing",
        "%s prompt tokens (%s) can be saved by an unlimited prefix cache"
            .formatted(Format.count(plan.reusableTokens()), Format.percent(reusable)));
    for (SharingLevel level : plan.sharing().levels()) {
      lines.line(
          "",
          "tokens %6s to %6s of the prompts: %7s, %6s shared"
              .formatted(
                  Format.count(level.fromToken()),
                  Format.count(level.toToken() - 1),
                  Format.compact(level.promptTokens()),
                  Format.percent(level.savedShare())));
    }
    String name = "prefixes";
    for (TopPrefix prefix : plan.sharing().topPrefixes()) {
      lines.line(
          name,
          "%7s saved by %s on tokens %s to %s: \"%s\""
              .formatted(
                  Format.compact(prefix.savedTokens()),
                  Format.count(prefix.requests(), "request"),
                  Format.count(prefix.prefixTokens() - prefix.ownTokens()),
                  Format.count(prefix.prefixTokens() - 1),
                  prefix.text()));
      name = "";
    }
  }

  private void densities() {
    PlanSummary.Densities d = plan.densities();
    lines.line(
        "density",
        "%s compute over KV reads of all%s"
            .formatted(
                Format.density(d.all()),
                d.memorySideRequests() == 0
                    ? ""
                    : "; compute side %s (%s), memory side %s (%s)"
                        .formatted(
                            Format.density(d.computeSide()),
                            Format.count(d.computeSideRequests(), "request"),
                            Format.density(d.memorySide()),
                            Format.count(d.memorySideRequests(), "request"))));
    if (!d.alone().isEmpty()) {
      lines.line(
          "",
          "requests alone: "
              + d.alone().stream().map(TerminalPlan::quantile).collect(Collectors.joining(", ")));
    }
  }

  private static String quantile(Quantile q) {
    return "%s at %s".formatted(Format.density(q.value()), Format.wholePercent(q.share()));
  }

  private void order() {
    lines.line(
        "order", plan.policy() + (plan.policyNote().isBlank() ? "" : ": " + plan.policyNote()));
    lines.line(
        "objective",
        plan.objective().name()
            + (plan.objective().note().isBlank() ? "" : ": " + plan.objective().note()));
    int width = plan.predictions().stream().mapToInt(p -> p.policy().length()).max().orElse(0);
    for (PolicyPrediction p : plan.predictions()) {
      lines.line(
          "",
          ("%s%-"
                  + Math.max(1, width)
                  + "s %9s (%s to %s)   compute %8s   memory %8s   saves %6s%s%s")
              .formatted(
                  p.policy().equals(plan.policy()) ? "→ " : "  ",
                  p.policy(),
                  Format.seconds(p.predictedSeconds()),
                  Format.seconds(p.lowSeconds()),
                  Format.seconds(p.highSeconds()),
                  Format.seconds(p.computeSeconds()),
                  Format.seconds(p.memorySeconds()),
                  Format.percent(p.savedShare()),
                  Double.isNaN(p.energyJoules().predicted())
                      ? ""
                      : "   %s (%s to %s)"
                          .formatted(
                              Format.joules(p.energyJoules().predicted()),
                              Format.joules(p.energyJoules().low()),
                              Format.joules(p.energyJoules().high())),
                  Double.isNaN(p.money().predicted())
                      ? ""
                      : "   %s (%s to %s)"
                          .formatted(
                              money(p.money().predicted()),
                              money(p.money().low()),
                              money(p.money().high()))));
    }
    if (!plan.predictionNote().isBlank()) {
      lines.line("times", plan.predictionNote());
    }
  }

  private String money(double money) {
    return Format.money(money, plan.cost().currency());
  }

  private void device() {
    if (plan.calibration() != null) {
      PlanSummary.CalibrationInfo c = plan.calibration();
      lines.line(
          "device",
          "%s, %s backend: %s, %s, overlap %s, steps within %s (%s)"
              .formatted(
                  c.device(),
                  c.backend(),
                  Format.perSecond(c.flopsPerSecond(), "FLOP"),
                  Format.perSecond(c.bytesPerSecond(), "B"),
                  Format.digits(c.overlap()),
                  Format.percent(c.spread()),
                  c.source()));
    }
    if (plan.memory() != null) {
      PlanSummary.MemoryPlan m = plan.memory();
      lines.line(
          "memory",
          "%s weights, %s KV cache (%s, at most %s at once); peak %s, %s"
              .formatted(
                  Format.bytes(m.weightsBytes()),
                  Format.bytes(m.kvBytes()),
                  Format.count(m.kvTokens(), "token"),
                  Format.count(m.maxSequences(), "sequence"),
                  Format.bytes(m.peakKvBytes()),
                  Format.count(m.peakKvTokens(), "token")));
    }
    if (plan.cost() != null) {
      lines.line(
          "cost",
          "%s (%s)%s"
              .formatted(
                  Format.joules(plan.cost().energyJoules()),
                  plan.cost().energySource(),
                  Double.isFinite(plan.cost().money())
                      ? ", " + Format.money(plan.cost().money(), plan.cost().currency())
                      : ""));
    }
  }

  private void first() {
    String name = "first";
    for (PlanSummary.PlannedGroup g : plan.preview()) {
      lines.line(
          name,
          "%8s  %s sharing %s from %s"
              .formatted(
                  "#" + Format.count(g.position()),
                  Format.count(g.requests(), "request"),
                  Format.count(g.sharedPrefixTokens(), "token"),
                  g.firstId()));
      name = "";
    }
  }
}
