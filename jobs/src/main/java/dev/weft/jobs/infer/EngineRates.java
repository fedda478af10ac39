package dev.weft.jobs.infer;

import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.StepCurve;

/**
 * What a calibration found out about an engine, and what is kept of it in a file.
 *
 * @param version of this record; a file of another version is measured again
 * @param profile rates of the device, with its name
 * @param curve time of its steps
 * @param spread half of the measured steps were within this part of the curve; large on a machine
 *     that had other work
 * @param steps how many steps were measured
 * @param seconds how long it took
 */
public record EngineRates(
    int version, DeviceProfile profile, StepCurve curve, double spread, int steps, double seconds) {
  /** What this program writes and reads; a new one where kernels became faster or slower. */
  public static final int VERSION = 9;

  /** Above this, predictions are not to be relied on. */
  public static final double LARGE_SPREAD = 0.15;

  public EngineRates {
    if (profile == null || curve == null) {
      throw new IllegalArgumentException("a calibration needs a profile and a curve");
    }
    if (!(spread >= 0) || steps < 1 || !(seconds >= 0)) {
      throw new IllegalArgumentException(
          "a calibration has a spread of " + spread + ", " + steps + " steps, " + seconds + " s");
    }
  }

  /** What to say about rates that cannot be relied on; null for nothing. */
  String warning() {
    return spread <= LARGE_SPREAD
        ? null
        : ("the calibration's own steps are %.0f%% off its curve (median of %d): the machine was"
                + " busy. Predicted times may be as far off; calibrate again on a quiet machine with"
                + " calibration.refresh=true")
            .formatted(100 * spread, steps);
  }
}
