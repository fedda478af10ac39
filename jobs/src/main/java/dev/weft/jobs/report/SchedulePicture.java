package dev.weft.jobs.report;

import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.PolicySchedule;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * What the device does over the predicted time of each policy: one row for each policy above a
 * common time axis, so that a shorter run ends further left. Compute and memory are parts of the
 * time in which the device does the one or the other, KV is the part of the cache in use.
 */
public final class SchedulePicture {
  private static final int WIDTH = 1000;
  private static final int LEFT = 214;
  private static final int RIGHT = 24;
  private static final int ROW = 84;
  private static final int GAP = 22;
  private static final int AXIS = 52;
  private static final int LEGEND = 34;
  private static final int HEAD = 58;

  /** Plain colours: programs that turn an SVG into pixels know no CSS variables. */
  private static final String STYLE =
      """
      text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",Arial,sans-serif}
      .page{fill:#fff}.title{font-size:18px;font-weight:600;fill:#1b1f28}
      .name{font-size:14px;font-weight:600;fill:#1b1f28}.tick{font-size:12px;fill:#626b7c}
      .grid{stroke:#e4e7ec;stroke-width:1}.limit{stroke:#626b7c;stroke-width:1.2;stroke-dasharray:5 4}
      .line{fill:none;stroke-width:1.8;stroke-linejoin:round}
      .a-indigo{fill:#4c5fd5;fill-opacity:.28}.f-teal{fill:#129a8c}
      .s-indigo{stroke:#4c5fd5}.s-teal{stroke:#129a8c}.s-amber{stroke:#c98512}
      """;

  private final PlanSummary plan;
  private final int top;
  private final double endSeconds;

  private SchedulePicture(PlanSummary plan, int top) {
    this.plan = plan;
    this.top = top;
    endSeconds = plan.schedules().stream().mapToDouble(PolicySchedule::seconds).max().orElse(0);
  }

  /** A picture of its own that needs nothing beside itself; XML as UTF-8. */
  public static String svg(PlanSummary plan) {
    SchedulePicture picture = new SchedulePicture(plan, HEAD + LEGEND);
    Svg svg = Svg.standalone(WIDTH, picture.height(), "Predicted schedule", STYLE);
    svg.rect(0, 0, WIDTH, picture.height(), "page", "");
    svg.text(20, 30, "start", "title", "Predicted schedule of one engine");
    svg.text(20, 50, "start", "tick", subtitle(plan));
    picture.draw(svg);
    return svg.done() + "\n";
  }

  /** The same as a page. */
  public static String html(PlanSummary plan) {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        + "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
        + "<title>Predicted schedule</title></head>\n"
        + "<body style=\"margin:0 auto;max-width:1100px;background:#fff\">\n"
        + svg(plan)
        + "</body></html>\n";
  }

  /** The same within the report; empty where nothing was simulated. */
  static String inReport(PlanSummary plan) {
    if (plan.schedules().isEmpty()) {
      return "";
    }
    SchedulePicture picture = new SchedulePicture(plan, LEGEND);
    Svg svg = new Svg(WIDTH, picture.height(), "Predicted schedule");
    picture.draw(svg);
    return "<p class=\"legend\"><span class=\"unit\">Predicted schedule of one engine</span></p>"
        + svg.done();
  }

  private static String subtitle(PlanSummary plan) {
    String device =
        plan.calibration() == null
            ? ""
            : " on %s, overlap %s"
                .formatted(
                    plan.calibration().device(), Format.digits(plan.calibration().overlap()));
    return "%s, %s, %s expected%s"
        .formatted(
            Format.count(plan.requests(), "request"),
            Format.compact(plan.promptTokens()) + " prompt tokens",
            Format.compact(plan.expectedOutputTokens()) + " output tokens",
            device);
  }

  private int height() {
    return top + plan.schedules().size() * (ROW + GAP) + AXIS;
  }

  private void draw(Svg svg) {
    legend(svg);
    if (plan.schedules().isEmpty()) {
      svg.text(LEFT, top + 20, "start", "tick", "Nothing was simulated.");
      return;
    }
    Axis time = Axis.ofSeconds(endSeconds, 8);
    DoubleUnaryOperator x = seconds -> LEFT + time.at(seconds) * (WIDTH - LEFT - RIGHT);
    double bottom = top + plan.schedules().size() * (ROW + GAP);
    for (double tick : time.ticks()) {
      double at = x.applyAsDouble(tick);
      svg.line(at, top, at, bottom, "grid");
      svg.text(at, bottom + 18, "middle", "tick", Format.clock(tick, time.max()));
    }
    svg.text((LEFT + WIDTH - RIGHT) / 2.0, bottom + 40, "middle", "tick", timeName());
    double y = top;
    for (PolicySchedule schedule : plan.schedules()) {
      row(svg, schedule, x, y);
      y += ROW + GAP;
    }
  }

  private String timeName() {
    PolicyPrediction first = plan.predictions().getFirst();
    boolean whole =
        Math.abs(first.predictedSeconds() - plan.schedules().getFirst().seconds())
            <= 0.001 * first.predictedSeconds();
    return whole ? "predicted time" : "predicted time of the stretches that were simulated";
  }

  private void legend(Svg svg) {
    double y = top - 14;
    double x = LEFT;
    svg.rect(x, y - 10, 16, 11, "a-indigo", "");
    svg.line(x, y - 10, x + 16, y - 10, "line s-indigo");
    svg.text(x + 23, y, "start", "tick", "computing, % of time");
    x += 180;
    svg.line(x, y - 4, x + 16, y - 4, "line s-teal");
    svg.text(x + 23, y, "start", "tick", "reading weights and KV, % of time");
    x += 262;
    svg.line(x, y - 4, x + 16, y - 4, "line s-amber");
    svg.text(x + 23, y, "start", "tick", "KV cache in use, % of " + kvSize());
  }

  private String kvSize() {
    return plan.memory() == null
        ? "its size"
        : Format.compact(plan.memory().kvTokens()) + " tokens";
  }

  private void row(Svg svg, PolicySchedule schedule, DoubleUnaryOperator x, double y) {
    DoubleUnaryOperator at = share -> y + ROW - Math.clamp(share, 0, 1) * ROW;
    boolean chosen = schedule.policy().equals(plan.policy());
    svg.text(20, y + 18, "start", "name", (chosen ? "→ " : "") + schedule.policy());
    plan.predictions().stream()
        .filter(p -> p.policy().equals(schedule.policy()))
        .findFirst()
        .ifPresent(p -> facts(svg, p, y));
    for (double share : new double[] {0, 0.5, 1}) {
      double line = at.applyAsDouble(share);
      svg.line(LEFT, line, WIDTH - RIGHT, line, "grid");
      svg.text(LEFT - 8, line + 4, "end", "tick", Format.wholePercent(share));
    }
    String compute = steps(schedule, schedule.computeShares(), x, at);
    if (!compute.isEmpty()) {
      String area =
          compute
              + Svg.format(
                  "L%.1f %.1fL%.1f %.1fZ",
                  x.applyAsDouble(schedule.seconds()),
                  at.applyAsDouble(0),
                  x.applyAsDouble(0),
                  at.applyAsDouble(0));
      svg.path(area, "a-indigo");
      svg.path(compute, "line s-indigo");
      svg.path(steps(schedule, schedule.memoryShares(), x, at), "line s-teal");
      double kv = plan.memory() == null ? 1 : plan.memory().kvTokens();
      List<Double> used = schedule.kvTokens().stream().map(tokens -> tokens / kv).toList();
      svg.path(steps(schedule, used, x, at), "line s-amber");
    }
    double end = x.applyAsDouble(schedule.seconds());
    svg.line(end, y, end, y + ROW, "limit");
  }

  private static void facts(Svg svg, PolicyPrediction p, double y) {
    svg.text(20, y + 38, "start", "tick", Format.seconds(p.predictedSeconds()));
    svg.text(
        20,
        y + 56,
        "start",
        "tick",
        "%s to %s".formatted(Format.seconds(p.lowSeconds()), Format.seconds(p.highSeconds())));
    svg.text(20, y + 74, "start", "tick", "saves " + Format.percent(p.savedShare()));
  }

  /** A line that is level within each interval; empty without intervals. */
  private static String steps(
      PolicySchedule schedule, List<Double> values, DoubleUnaryOperator x, DoubleUnaryOperator at) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < values.size(); i++) {
      double from = i * schedule.intervalSeconds();
      double to = Math.min(schedule.seconds(), from + schedule.intervalSeconds());
      double y = at.applyAsDouble(values.get(i));
      path.append(
          Svg.format(
              "%s%.1f %.1fH%.1f",
              path.isEmpty() ? "M" : "L", x.applyAsDouble(from), y, x.applyAsDouble(to)));
    }
    return path.toString();
  }
}
