package dev.weft.jobs.report;

/** Predicted against real seconds, with the line on which both are the same. */
final class ScatterChart {
  private static final int SIZE = 320;
  private static final int LEFT = 58;
  private static final int BOTTOM = 44;
  private static final int EDGE = 12;

  private ScatterChart() {}

  /** One point for each pair; {@code names[i]} tells which one it is. */
  static String draw(String title, double[] predicted, double[] real, String[] names) {
    double largest = 0;
    for (int i = 0; i < real.length; i++) {
      largest = Math.max(largest, Math.max(orZero(predicted[i]), orZero(real[i])));
    }
    Axis axis = Axis.upTo(largest, 4);
    Svg svg = new Svg(SIZE + LEFT + EDGE, SIZE + BOTTOM, title);
    double bottom = SIZE;
    double span = SIZE - EDGE;
    for (double tick : axis.ticks()) {
      double at = axis.at(tick) * span;
      svg.line(LEFT, bottom - at, LEFT + span, bottom - at, "grid");
      svg.text(LEFT - 8, bottom - at + 4, "end", "tick", Format.seconds(tick));
      svg.text(LEFT + at, bottom + 18, "middle", "tick", Format.seconds(tick));
    }
    svg.line(LEFT, bottom, LEFT + span, bottom - span, "limit");
    for (int i = 0; i < real.length; i++) {
      if (Double.isFinite(predicted[i]) && Double.isFinite(real[i])) {
        svg.circle(
            LEFT + axis.at(predicted[i]) * span,
            bottom - axis.at(real[i]) * span,
            3.2,
            "dot",
            "%s: predicted %s, real %s"
                .formatted(names[i], Format.seconds(predicted[i]), Format.seconds(real[i])));
      }
    }
    svg.text(LEFT + span / 2, bottom + 38, "middle", "tick", "predicted");
    svg.text(LEFT + 6, EDGE + 10, "start", "tick", "real");
    return svg.done();
  }

  private static double orZero(double value) {
    return Double.isFinite(value) ? value : 0;
  }
}
