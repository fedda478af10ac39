package dev.weft.jobs.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.function.DoubleUnaryOperator;

/**
 * A chart over the seconds of a run: stacked bars, lines and one dashed limit. Points are intervals
 * of time, in order; bars cover their interval, lines stand in its middle.
 */
final class TimeChart {
  private static final int HEIGHT = 230;
  private static final int LEFT = 58;
  private static final int RIGHT = 14;
  private static final int TOP = 14;
  private static final int BOTTOM = 44;

  /** An interval that ends at {@code atSeconds}. */
  record Interval(double atSeconds, double seconds) {
    double start() {
      return Math.max(0, atSeconds - seconds);
    }
  }

  private record Series(String name, String color, double[] values, boolean bars) {}

  /** How much of the page a chart takes. Its texts have the same size in either. */
  enum Size {
    FULL(1000),
    HALF(480);

    private final int width;

    Size(int width) {
      this.width = width;
    }
  }

  private final int width;
  private final String title;
  private final String unit;
  private final List<Interval> intervals;
  private final DoubleFunction<String> label;
  private final List<Series> series = new ArrayList<>();
  private double limit = Double.NaN;
  private String limitName = "";
  private double fixedMax = Double.NaN;

  /**
   * @param unit what the values are, written above the axis
   * @param label how a value is written
   */
  TimeChart(
      Size size,
      String title,
      String unit,
      List<Interval> intervals,
      DoubleFunction<String> label) {
    this.width = size.width;
    this.title = title;
    this.unit = unit;
    this.intervals = intervals;
    this.label = label;
  }

  /** Adds bars, stacked upon the bars added before; one value for each interval. */
  TimeChart bars(String name, String color, double... values) {
    series.add(new Series(name, color, values, true));
    return this;
  }

  /** Adds a line. */
  TimeChart line(String name, String color, double... values) {
    series.add(new Series(name, color, values, false));
    return this;
  }

  /** Draws a dashed line at a value that cannot be exceeded. */
  TimeChart limit(String name, double value) {
    limitName = name;
    limit = value;
    return this;
  }

  /** Ends the axis at {@code max} whatever the values are. */
  TimeChart max(double max) {
    fixedMax = max;
    return this;
  }

  /** The picture with its legend. */
  String draw() {
    Svg svg = new Svg(width, HEIGHT, title);
    Axis y = Double.isNaN(fixedMax) ? Axis.upTo(largest(), 4) : new Axis(fixedMax, fixedMax / 4);
    double end =
        intervals.stream()
            .mapToDouble(Interval::atSeconds)
            .filter(Double::isFinite)
            .max()
            .orElse(1);
    Axis x = Axis.ofSeconds(end, width / 100);
    DoubleUnaryOperator px = v -> LEFT + x.at(v) * (width - LEFT - RIGHT);
    DoubleUnaryOperator py = v -> HEIGHT - BOTTOM - y.at(v) * (HEIGHT - TOP - BOTTOM);
    for (double tick : y.ticks()) {
      svg.line(LEFT, py.applyAsDouble(tick), width - RIGHT, py.applyAsDouble(tick), "grid");
      svg.text(LEFT - 8, py.applyAsDouble(tick) + 4, "end", "tick", label.apply(tick));
    }
    for (double tick : x.ticks()) {
      svg.text(
          px.applyAsDouble(tick),
          HEIGHT - BOTTOM + 18,
          "middle",
          "tick",
          Format.clock(tick, x.max()));
    }
    svg.text(
        (LEFT + width - RIGHT) / 2.0, HEIGHT - 6, "middle", "tick", "time since inference began");
    drawBars(svg, px, py);
    for (Series s : series) {
      if (!s.bars()) {
        drawLine(svg, s, px, py);
      }
    }
    if (Double.isFinite(limit)) {
      svg.line(LEFT, py.applyAsDouble(limit), width - RIGHT, py.applyAsDouble(limit), "limit");
    }
    return legend() + svg.done();
  }

  private void drawBars(Svg svg, DoubleUnaryOperator px, DoubleUnaryOperator py) {
    for (int i = 0; i < intervals.size(); i++) {
      Interval interval = intervals.get(i);
      double from = px.applyAsDouble(interval.start());
      double width = px.applyAsDouble(interval.atSeconds()) - from;
      // A hair of space between bars as long as they are wide enough to show it.
      double gap = width > 6 ? 1 : 0;
      double base = 0;
      for (Series s : series) {
        double value = s.bars() ? finite(s.values()[i]) : 0;
        if (value > 0) {
          double top = py.applyAsDouble(base + value);
          svg.rect(
              from,
              top,
              Math.max(0.6, width - gap),
              py.applyAsDouble(base) - top,
              "f-" + s.color(),
              tip(s, i));
          base += value;
        }
      }
    }
  }

  private void drawLine(Svg svg, Series s, DoubleUnaryOperator px, DoubleUnaryOperator py) {
    StringBuilder path = new StringBuilder();
    int drawn = 0;
    for (int i = 0; i < intervals.size(); i++) {
      if (!Double.isFinite(s.values()[i])) {
        continue;
      }
      Interval interval = intervals.get(i);
      double x = px.applyAsDouble((interval.start() + interval.atSeconds()) / 2);
      double y = py.applyAsDouble(s.values()[i]);
      path.append(Svg.format(drawn++ == 0 ? "M%.1f %.1f" : "L%.1f %.1f", x, y));
    }
    svg.path(path.isEmpty() ? "M0 0" : path.toString(), "line s-" + s.color());
    for (int i = 0; i < intervals.size(); i++) {
      if (Double.isFinite(s.values()[i])) {
        Interval interval = intervals.get(i);
        double x = px.applyAsDouble((interval.start() + interval.atSeconds()) / 2);
        svg.circle(
            x,
            py.applyAsDouble(s.values()[i]),
            drawn == 1 ? 4 : drawn <= 40 ? 2.2 : 4,
            drawn <= 40 ? "f-" + s.color() : "hit",
            tip(s, i));
      }
    }
  }

  private String tip(Series s, int i) {
    return "%s: %s %s at %s"
        .formatted(
            s.name(),
            label.apply(s.values()[i]),
            unit,
            Format.seconds(intervals.get(i).atSeconds()));
  }

  private String legend() {
    StringBuilder out =
        new StringBuilder(
            "<p class=\"legend\"><span class=\"unit\">" + Svg.escape(unit) + "</span>");
    for (Series s : series) {
      out.append(
          "<span><i class=\"b-%s%s\"></i>%s</span>"
              .formatted(s.color(), s.bars() ? "" : " thin", Svg.escape(s.name())));
    }
    if (Double.isFinite(limit)) {
      out.append("<span><i class=\"dash\"></i>").append(Svg.escape(limitName)).append("</span>");
    }
    return out.append("</p>").toString();
  }

  private double largest() {
    double largest = Double.isFinite(limit) ? limit : 0;
    for (int i = 0; i < intervals.size(); i++) {
      double stack = 0;
      for (Series s : series) {
        if (s.bars()) {
          stack += finite(s.values()[i]);
        } else {
          largest = Math.max(largest, finite(s.values()[i]));
        }
      }
      largest = Math.max(largest, stack);
    }
    return largest;
  }

  private static double finite(double value) {
    return Double.isFinite(value) ? value : 0;
  }
}
