package dev.weft.jobs.report;

import java.util.ArrayList;
import java.util.List;

/** Named horizontal bars on one scale, one below the other, each with its value written out. */
final class BarList {
  private record Bar(String name, String color, double value, String text) {}

  private final List<Bar> bars = new ArrayList<>();
  private double max = Double.NaN;

  /** Adds a bar; {@code text} is what stands behind it. */
  BarList bar(String name, String color, double value, String text) {
    bars.add(new Bar(name, color, value, text));
    return this;
  }

  /** Full length is {@code max} instead of the largest value. */
  BarList max(double max) {
    this.max = max;
    return this;
  }

  /** HTML; lengths are percentages, so names and values never collide with the bars. */
  String draw() {
    double largest = bars.stream().mapToDouble(Bar::value).filter(Double::isFinite).max().orElse(0);
    double full = Double.isNaN(max) ? largest : max;
    StringBuilder out = new StringBuilder("<div class=\"bars\">\n");
    for (Bar bar : bars) {
      double share =
          full > 0 && Double.isFinite(bar.value()) ? Math.clamp(bar.value() / full, 0, 1) : 0;
      out.append(
          Svg.format(
              "<span class=\"name\">%s</span><span class=\"track\"><i class=\"b-%s\" style=\"width:%.2f%%\"></i></span>"
                  + "<span class=\"value\">%s</span>%n",
              Svg.escape(bar.name()), bar.color(), share * 100, Svg.escape(bar.text())));
    }
    return out.append("</div>").toString();
  }
}
