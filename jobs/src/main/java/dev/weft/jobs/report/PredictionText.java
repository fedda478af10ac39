package dev.weft.jobs.report;

import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.PartitionTime;
import dev.weft.jobs.run.RunSummary.StepPoint;
import java.util.ArrayList;
import java.util.List;

/** How far the times of a run were from what was predicted of them, in words. */
final class PredictionText {
  private PredictionText() {}

  /** One sentence without a stop; empty if nothing ran or nothing was predicted. */
  static String of(RunSummary run) {
    List<String> parts = new ArrayList<>();
    if (run.partitions().size() == 1) {
      PartitionTime p = run.partitions().getFirst();
      if (p.predictedSeconds() > 0) {
        parts.add(
            "%s by the plan, really %s: %s of it"
                .formatted(
                    Format.seconds(p.predictedSeconds()),
                    Format.seconds(p.realSeconds()),
                    Format.percent(p.realSeconds() / p.predictedSeconds())));
      }
    }
    double predicted = run.steps().stream().mapToDouble(StepPoint::predictedSeconds).sum();
    double real = run.steps().stream().mapToDouble(StepPoint::realSeconds).sum();
    if (predicted > 0) {
      parts.add(
          "steps took %s of their time by the calibration"
              .formatted(Format.percent(real / predicted)));
    }
    return String.join("; ", parts);
  }
}
