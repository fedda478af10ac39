package dev.weft.jobs.report;

import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.PartitionTime;
import dev.weft.jobs.run.RunSummary.StepPoint;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The charts of the HTML report. A series without points says so in words. */
final class ChartSection {
  private static final int MOST_BARS = 6;

  private final RunSummary run;
  private final List<TimeChart.Interval> intervals;

  ChartSection(RunSummary run) {
    this.run = run;
    this.intervals =
        run.steps().stream().map(s -> new TimeChart.Interval(s.atSeconds(), s.seconds())).toList();
  }

  String render() {
    return throughput()
        + steps()
        + "<div class=\"pair\">"
        + kv()
        + power()
        + "</div>\n"
        + "<div class=\"pair\">"
        + sharing()
        + prediction()
        + "</div>\n";
  }

  private String throughput() {
    TimeChart chart =
        new TimeChart(
                TimeChart.Size.FULL, "Throughput over time", "tokens/s", intervals, Format::compact)
            .bars("prefill", "indigo", perSecond(StepPoint::prefillTokens))
            .bars("decode", "teal", perSecond(StepPoint::decodeTokens))
            .bars("shared, not computed", "pale", perSecond(StepPoint::sharedTokens));
    return timed(
        "Throughput over time",
        "Tokens of all engines for each second of the run. Shared prompt tokens were found in the"
            + " KV cache.",
        chart);
  }

  private String steps() {
    TimeChart chart =
        new TimeChart(
                TimeChart.Size.FULL,
                "What a step was made of",
                "tokens per step",
                intervals,
                Format::compact)
            .bars("prefill", "indigo", perStep(StepPoint::prefillTokens))
            .bars("decode", "teal", perStep(StepPoint::decodeTokens));
    if (run.engine() != null) {
      chart.limit("step budget", run.engine().stepTokens());
    }
    return timed(
        "What a step was made of",
        "Mean tokens of one engine step: decode tokens of running sequences and prompt chunks, up"
            + " to the budget.",
        chart);
  }

  private String kv() {
    TimeChart chart =
        new TimeChart(
                TimeChart.Size.HALF,
                "KV cache in use",
                "share of pages",
                intervals,
                Format::wholePercent)
            .line("pages in use", "amber", values(StepPoint::kvUsedShare))
            .max(1);
    String sequences =
        intervals.isEmpty()
            ? ""
            : " At most %s ran at the same time on average."
                .formatted(
                    Format.count(
                        Math.round(
                            run.steps().stream()
                                .mapToDouble(StepPoint::meanSequences)
                                .max()
                                .orElse(0)),
                        "sequence"));
    return timed("KV cache in use", "Pages that hold keys and values." + sequences, chart);
  }

  private String power() {
    if (run.energy() == null) {
      return HtmlReport.section(
          "Power over time", "", List.of(HtmlReport.empty("No energy source.")));
    }
    TimeChart chart =
        new TimeChart(TimeChart.Size.HALF, "Power over time", "W", intervals, Format::compact)
            .line("power", "rose", watts());
    return timed("Power over time", "Source: " + run.energy().source() + ".", chart);
  }

  private String sharing() {
    RunSummary.Tokens t = run.tokens();
    BarList bars =
        new BarList()
            .max(t.prompt())
            .bar("prompt tokens", "pale", t.prompt(), Format.count(t.prompt()))
            .bar(
                "possible",
                "amber",
                t.reusablePrompt(),
                Format.count(t.reusablePrompt()) + "  " + Format.percent(t.reusableShare()))
            .bar(
                "reached",
                "teal",
                t.sharedPrompt(),
                Format.count(t.sharedPrompt()) + "  " + Format.percent(t.savedShare()))
            .bar("computed", "indigo", t.computedPrompt(), Format.count(t.computedPrompt()));
    String note =
        "Possible is what an unlimited cache of single tokens would save; the engine shares whole"
            + " pages."
            + (t.deduplicatedPrompt() > 0
                ? " Another "
                    + Format.count(t.deduplicatedPrompt(), "prompt token")
                    + " did not run at all, because an identical request did."
                : "");
    return HtmlReport.section(
        "Prefix sharing",
        note,
        List.of(t.prompt() == 0 ? HtmlReport.empty("No prompt ran in this start.") : bars.draw()));
  }

  private String prediction() {
    String title = "Predicted against real time";
    List<PartitionTime> partitions = run.partitions();
    if (partitions.isEmpty()) {
      return HtmlReport.section(
          title, "", List.of(HtmlReport.empty("No partition ran in this start.")));
    }
    double predicted = partitions.stream().mapToDouble(PartitionTime::predictedSeconds).sum();
    double real = partitions.stream().mapToDouble(PartitionTime::realSeconds).sum();
    String note =
        "Sum over %s: predicted %s, real %s."
            .formatted(
                Format.count(partitions.size(), "partition"),
                Format.seconds(predicted),
                Format.seconds(real));
    String text = PredictionText.of(run);
    note += text.isEmpty() ? "" : " Predicted: " + text + ".";
    if (partitions.size() > MOST_BARS) {
      return HtmlReport.section(title, note, List.of(scatter(title, partitions)));
    }
    BarList bars = new BarList();
    for (PartitionTime p : partitions) {
      String name = "partition " + p.partition();
      bars.bar(
          name, "pale", p.predictedSeconds(), Format.seconds(p.predictedSeconds()) + " predicted");
      bars.bar("", "indigo", p.realSeconds(), Format.seconds(p.realSeconds()) + " real");
    }
    return HtmlReport.section(title, note, List.of(bars.draw()));
  }

  private static String scatter(String title, List<PartitionTime> partitions) {
    return ScatterChart.draw(
        title,
        partitions.stream().mapToDouble(PartitionTime::predictedSeconds).toArray(),
        partitions.stream().mapToDouble(PartitionTime::realSeconds).toArray(),
        partitions.stream().map(p -> "partition " + p.partition()).toArray(String[]::new));
  }

  private String timed(String title, String note, TimeChart chart) {
    return intervals.isEmpty()
        ? HtmlReport.section(
            title, "", List.of(HtmlReport.empty("No engine step ran in this start.")))
        : HtmlReport.section(title, note, List.of(chart.draw()));
  }

  private double[] values(ToDoubleFunction<StepPoint> value) {
    return run.steps().stream().mapToDouble(value).toArray();
  }

  private double[] perSecond(ToDoubleFunction<StepPoint> value) {
    return values(s -> s.seconds() > 0 ? value.applyAsDouble(s) / s.seconds() : 0);
  }

  /** A step may last longer than the interval in which it ends. */
  private double[] watts() {
    int engines = run.engine() == null ? 1 : Math.max(1, run.engine().engines());
    return values(
        s ->
            s.steps() == 0
                ? Double.NaN
                : s.energyJoules() / Math.max(s.seconds(), s.realSeconds() / engines));
  }

  private double[] perStep(ToDoubleFunction<StepPoint> value) {
    return values(s -> s.steps() > 0 ? value.applyAsDouble(s) / s.steps() : 0);
  }
}
