package dev.weft.jobs.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A linear axis from 0 to a round number at or above the largest value.
 *
 * @param max end of the axis, above 0
 * @param step distance of its ticks
 */
record Axis(double max, double step) {

  /**
   * An axis with about {@code ticks} ticks that holds {@code largest}; values that are no number
   * count as 0.
   */
  static Axis upTo(double largest, int ticks) {
    double wanted = Double.isFinite(largest) && largest > 0 ? largest : 1;
    double raw = wanted / ticks;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double step = power * 10;
    for (double multiple : new double[] {1, 2, 2.5, 5}) {
      if (multiple * power >= raw * (1 - 1e-9)) {
        step = multiple * power;
        break;
      }
    }
    return new Axis(step * Math.ceil(wanted / step - 1e-9), step);
  }

  /**
   * As {@link #upTo}, for seconds: steps are those of a clock, and the axis ends where the data
   * does.
   */
  static Axis ofSeconds(double largest, int ticks) {
    double wanted = Double.isFinite(largest) && largest > 0 ? largest : 1;
    if (wanted <= 60) {
      return new Axis(wanted, upTo(wanted, ticks).step());
    }
    for (double step :
        new double[] {
          15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400
        }) {
      if (wanted / step <= ticks + 1) {
        return new Axis(wanted, step);
      }
    }
    return new Axis(wanted, 86_400 * Math.ceil(upTo(wanted / 86_400, ticks).step()));
  }

  /** Its ticks, 0 and the last one within the axis included. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    for (int i = 0; i * step <= max * (1 + 1e-9); i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  /** The place of a value on the axis, 0 to 1; what lies outside is moved to the end. */
  double at(double value) {
    return Double.isFinite(value) ? Math.clamp(value / max, 0, 1) : 0;
  }
}
