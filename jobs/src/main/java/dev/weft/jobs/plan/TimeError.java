package dev.weft.jobs.plan;

import dev.weft.jobs.run.PlanSummary.CalibrationInfo;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How far real times may be from predicted ones, as far as the rates of the device are to blame.
 *
 * @param ratio real over predicted time of what ran already, NaN if nothing did
 * @param spread of the calibration, see {@link CalibrationInfo}
 */
public record TimeError(double ratio, double spread) implements Serializable {
  public TimeError {
    if (!(spread >= 0)) {
      throw new IllegalArgumentException("a calibration has a spread of " + spread);
    }
  }

  /** Least real over predicted time to be expected, above 0 and at most 1. */
  double low() {
    return (Double.isFinite(ratio) ? Math.min(1, ratio) : 1) / (1 + spread);
  }

  /** Largest real over predicted time to be expected, at least 1. */
  double high() {
    return (Double.isFinite(ratio) ? Math.max(1, ratio) : 1) * (1 + spread);
  }

  /** What the two are made of. */
  String meaning() {
    List<String> parts = new ArrayList<>();
    parts.add(
        String.format(
            Locale.ROOT,
            "widened by %.0f%%, the distance of the calibration's own steps from its curve",
            100 * spread));
    if (Double.isFinite(ratio)) {
      parts.add(
          String.format(
              Locale.ROOT,
              "and by the steps that ran already, which took %.2f times their prediction",
              ratio));
    }
    return String.join(", ", parts);
  }
}
