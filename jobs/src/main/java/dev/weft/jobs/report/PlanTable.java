package dev.weft.jobs.report;

import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;

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
        Format.count(plan.treeNodes(), "node")
            + ", "
            + Format.count(plan.partitions(), "partition"));
    if (plan.calibration() != null) {
      PlanSummary.CalibrationInfo rates = plan.calibration();
      facts.row(
          "Device rates (" + rates.source() + ")",
          "%s, %s, overlap %s"
              .formatted(
                  Format.perSecond(rates.flopsPerSecond(), "FLOP"),
                  Format.perSecond(rates.bytesPerSecond(), "B"),
                  Format.digits(rates.overlap())));
    }
    HtmlTable policies =
        new HtmlTable(
            "Policy", "#Predicted time", "#Compute", "#Memory", "#Prompt tokens saved", "=");
    for (PolicyPrediction p : plan.predictions()) {
      policies.row(
          p.policy().equals(plan.policy()),
          p.policy(),
          Format.seconds(p.predictedSeconds()),
          Format.seconds(p.computeSeconds()),
          Format.seconds(p.memorySeconds()),
          Format.percent(p.savedShare()),
          Double.isFinite(p.savedShare()) ? Double.toString(p.savedShare()) : "0");
    }
    return facts.html() + (plan.predictions().isEmpty() ? "" : policies.html());
  }
}
