package dev.weft.jobs.report;

import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.TopPrefix;

/** What the plan promised, as tables of the HTML report. */
final class PlanTable {
  private PlanTable() {}

  static String html(PlanSummary plan) {
    HtmlTable facts = new HtmlTable("", "");
    facts.row(
        "Requests",
        "%s distinct, %s answered by an identical one"
            .formatted(Format.count(plan.requests()), Format.count(plan.duplicateRows())));
    facts.row(
        "Prompt tokens",
        "%s, of which prefix sharing can save %s"
            .formatted(Format.count(plan.promptTokens()), Format.count(plan.reusableTokens())));
    facts.row(
        "Output tokens expected",
        "%s, estimated from %s%s"
            .formatted(
                Format.count(plan.expectedOutputTokens()),
                plan.outputLengthSource(),
                plan.sampledRequests() > 0
                    ? " (" + Format.count(plan.sampledRequests(), "request") + ")"
                    : ""));
    facts.row(
        "Prefix tree, partitions",
        "%s on %s (%s), %s"
            .formatted(
                Format.count(plan.treeNodes(), "node"),
                plan.level().levels() == 1 ? "one level" : "two levels",
                plan.level().why(),
                Format.count(plan.partitions(), "partition")));
    facts.row(
        "Density (compute over KV reads)",
        plan.densities().memorySideRequests() == 0
            ? Format.density(plan.densities().all())
            : "%s; compute side %s, memory side %s"
                .formatted(
                    Format.density(plan.densities().all()),
                    Format.density(plan.densities().computeSide()),
                    Format.density(plan.densities().memorySide())));
    facts.row(
        "Objective",
        plan.objective().name()
            + (plan.objective().note().isBlank() ? "" : ": " + plan.objective().note()));
    if (plan.calibration() != null) {
      PlanSummary.CalibrationInfo rates = plan.calibration();
      facts.row(
          "Device rates (" + rates.source() + ")",
          "%s, %s, overlap %s; half of the measured steps within %s of the fitted times"
              .formatted(
                  Format.perSecond(rates.flopsPerSecond(), "FLOP"),
                  Format.perSecond(rates.bytesPerSecond(), "B"),
                  Format.digits(rates.overlap()),
                  Format.percent(rates.spread())));
    }
    HtmlTable policies =
        new HtmlTable(
            "Policy",
            "#Predicted time",
            "#Range",
            "#Compute",
            "#Memory",
            "#Energy",
            "#Money",
            "#Prompt tokens saved",
            "=");
    for (PolicyPrediction p : plan.predictions()) {
      policies.row(
          p.policy().equals(plan.policy()),
          p.policy(),
          Format.seconds(p.predictedSeconds()),
          Format.seconds(p.lowSeconds()) + " to " + Format.seconds(p.highSeconds()),
          Format.seconds(p.computeSeconds()),
          Format.seconds(p.memorySeconds()),
          Format.joules(p.energyJoules().predicted()),
          Format.money(p.money().predicted(), plan.cost().currency()),
          Format.percent(p.savedShare()),
          Double.isFinite(p.savedShare()) ? Double.toString(p.savedShare()) : "0");
    }
    return facts.html()
        + (plan.predictions().isEmpty() ? "" : policies.html())
        + note(plan.predictionNote())
        + (plan.sharing().topPrefixes().isEmpty() ? "" : prefixes(plan))
        + SchedulePicture.inReport(plan);
  }

  private static String note(String text) {
    return text.isBlank() ? "" : "<p class=\"legend\">Times: " + Svg.escape(text) + ".</p>";
  }

  private static String prefixes(PlanSummary plan) {
    HtmlTable table =
        new HtmlTable("Shared prefixes that save most", "#Tokens", "#Requests", "#Tokens saved");
    for (TopPrefix prefix : plan.sharing().topPrefixes()) {
      table.row(
          prefix.text(),
          "%s to %s"
              .formatted(
                  Format.count(prefix.prefixTokens() - prefix.ownTokens()),
                  Format.count(prefix.prefixTokens() - 1)),
          Format.count(prefix.requests()),
          Format.count(prefix.savedTokens()));
    }
    return table.html();
  }
}
