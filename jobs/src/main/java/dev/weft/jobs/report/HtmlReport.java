package dev.weft.jobs.report;

import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.RunSummary.Accuracy;
import dev.weft.jobs.run.RunSummary.Energy;
import dev.weft.jobs.run.RunSummary.ErrorCount;
import dev.weft.jobs.run.RunSummary.StageTime;
import dev.weft.jobs.run.RunSummary.TaskAccuracy;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * One HTML page about a run that needs nothing beside itself: style and pictures are inside, no
 * script, no network. Every text of the summary is escaped.
 */
public final class HtmlReport {
  private static final String STYLE = resource("report.css");
  private static final String MARK = resource("mark.svg");

  private final RunSummary run;
  private final StringBuilder out = new StringBuilder(1 << 16);

  private HtmlReport(RunSummary run) {
    this.run = run;
  }

  /**
   * @param configuration every key with its value, see {@link
   *     dev.weft.jobs.config.WeftConfig#entries()}
   * @param defaults the same for the defaults; keys that differ are marked
   * @return the page, to be written as UTF-8
   */
  public static String render(
      RunSummary run, Map<String, String> configuration, Map<String, String> defaults) {
    HtmlReport report = new HtmlReport(run);
    report.head();
    report.tiles();
    report.warnings();
    report.accuracy();
    report.out.append(new ChartSection(run).render());
    report.plan();
    report.energy();
    report.stages();
    report.errors();
    report.configuration(configuration, defaults);
    report.versions();
    return report.out.append("</main></body></html>\n").toString();
  }

  private void head() {
    boolean errors = run.outcome().hasErrors();
    out.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        .append("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
        .append("<meta name=\"color-scheme\" content=\"light dark\">")
        .append("<title>Weft run ")
        .append(Svg.escape(run.runId()))
        .append("</title>\n<style>\n")
        .append(STYLE)
        .append("</style></head>\n<body><main>\n<header>")
        .append(MARK)
        .append("<div><h1>")
        .append(Svg.escape(run.runId()))
        .append("</h1><p>")
        .append(Svg.escape(subtitle()))
        .append("</p><p>")
        .append(Svg.escape(started()))
        .append("</p></div><span class=\"badge ")
        .append(errors ? "warn" : "ok")
        .append("\">")
        .append(
            Svg.escape(
                errors ? Format.count(run.rows().errors(), "error row") : "all rows answered"))
        .append("</span></header>\n");
  }

  private String subtitle() {
    StringBuilder text = new StringBuilder();
    if (run.model() != null) {
      text.append(run.model().name())
          .append(" (")
          .append(Format.compact(run.model().parameters()))
          .append(" parameters, ")
          .append(formats())
          .append(")");
    }
    if (run.engine() != null) {
      text.append(text.isEmpty() ? "" : " on ")
          .append(run.engine().device())
          .append(", ")
          .append(run.engine().backend())
          .append(" backend, ")
          .append(Format.count(run.engine().engines(), "engine"))
          .append(" × ")
          .append(Format.count(run.engine().threads(), "thread"));
    }
    return text.toString();
  }

  private String started() {
    return "started "
        + time(run.startedAt())
        + (run.starts() > 1 ? ", start " + run.starts() + " of this run" : "");
  }

  /** An instant to the minute; what is no instant stays as it is. */
  private static String time(String instant) {
    return instant.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:.*Z")
        ? instant.substring(0, 10) + " " + instant.substring(11, 16) + " UTC"
        : instant;
  }

  private String formats() {
    return String.join(" + ", run.model().weightFormats().keySet());
  }

  private void tiles() {
    out.append("<section class=\"tiles\">\n");
    RunSummary.Rows rows = run.rows();
    tile(
        "answered",
        Format.count(rows.answered()),
        "of "
            + Format.count(rows.total(), "row")
            + (rows.resumed() > 0
                ? ", " + Format.count(rows.resumed()) + " from an earlier start"
                : ""));
    if (run.accuracy() != null) {
      tile(
          "accuracy",
          Format.percent(run.accuracy().accuracy()),
          "exact match over " + Format.count(run.accuracy().rows(), "row"));
    }
    tile(
        "throughput",
        Format.compact(run.throughput().tokensPerSecond()),
        "tokens/s, of them "
            + Format.compact(run.throughput().computedTokensPerSecond())
            + " computed");
    tile(
        "tokens saved",
        Format.percent(run.tokens().savedShare()),
        "of the prompts, by prefix sharing; "
            + Format.percent(run.tokens().reusableShare())
            + " is possible");
    if (run.energy() != null) {
      tile(
          "energy",
          Format.joules(run.energy().joulesPerToken()),
          "per token, " + run.energy().source());
    }
    tile(
        "time",
        Format.seconds(run.totalSeconds()),
        "of it " + Format.seconds(run.throughput().inferSeconds()) + " inference");
    out.append("</section>\n");
  }

  private void tile(String name, String value, String note) {
    out.append(
        "<div class=\"tile\"><span>%s</span><b>%s</b><small>%s</small></div>\n"
            .formatted(Svg.escape(name), Svg.escape(value), Svg.escape(note)));
  }

  private void warnings() {
    if (run.warnings().isEmpty()) {
      return;
    }
    out.append("<section class=\"notice\"><h2>Worth knowing</h2><ul>\n");
    for (String warning : run.warnings()) {
      out.append("<li>").append(Svg.escape(warning)).append("</li>\n");
    }
    out.append("</ul></section>\n");
  }

  private void accuracy() {
    Accuracy accuracy = run.accuracy();
    if (accuracy == null) {
      return;
    }
    HtmlTable table = new HtmlTable("Task", "#Rows", "#Correct", "#Accuracy", "=");
    for (TaskAccuracy task : accuracy.tasks()) {
      table.row(
          task.task(),
          Format.count(task.rows()),
          Format.count(task.correct()),
          Format.percent(task.accuracy()),
          share(task.accuracy()));
    }
    table.row(
        "All",
        Format.count(accuracy.rows()),
        Format.count(accuracy.correct()),
        Format.percent(accuracy.accuracy()),
        share(accuracy.accuracy()));
    section(
        "Accuracy by task",
        "Exact match with the expected answers. Accuracy per watt: "
            + (Double.isFinite(accuracy.accuracyPerWatt())
                ? Format.digits(accuracy.accuracyPerWatt() * 100) + " percentage points per watt."
                : "unknown."),
        table.html());
  }

  private static String share(double share) {
    return Double.isFinite(share) ? Double.toString(share) : "0";
  }

  private void plan() {
    if (run.plan() == null) {
      return;
    }
    section("Plan", planNote(), PlanTable.html(run.plan()));
  }

  private String planNote() {
    String note = run.plan().policyNote();
    return "Order: " + run.plan().policy() + (note.isBlank() ? "." : ". " + note);
  }

  private void energy() {
    Energy energy = run.energy();
    if (energy == null) {
      return;
    }
    HtmlTable table = new HtmlTable("", "");
    table.row("Energy", Format.joules(energy.joules()));
    table.row("Source", energy.source());
    table.row(
        "Mean power",
        Double.isFinite(energy.meanWatts())
            ? Format.digits(energy.meanWatts()) + " W"
            : Format.UNKNOWN);
    table.row("Per token, shared ones included", Format.joules(energy.joulesPerToken()));
    table.row("Per output token", Format.joules(energy.joulesPerOutputToken()));
    if (Double.isFinite(energy.money())) {
      table.row("Cost", Format.money(energy.money(), energy.currency()));
    }
    section(
        "Energy and cost",
        energy.source().contains("estimate")
            ? "Nothing on this machine could be read as a meter: the joules are an estimate, named in every metrics row."
            : "",
        table.html());
  }

  private void stages() {
    BarList bars = new BarList();
    for (StageTime stage : run.stages()) {
      bars.bar(stage.stage(), "indigo", stage.seconds(), Format.seconds(stage.seconds()));
    }
    section(
        "Where the time went",
        "",
        run.stages().isEmpty()
            ? empty("No stage ran: the run was already complete.")
            : bars.draw());
  }

  private void errors() {
    if (run.errors().isEmpty()) {
      return;
    }
    HtmlTable table = new HtmlTable("Code", "Category", "#Rows", "How to fix", "Example");
    for (ErrorCount error : run.errors()) {
      table.row(
          error.code(),
          error.category(),
          Format.count(error.rows()),
          error.hint(),
          error.example());
    }
    section(
        "Error rows",
        "Each is one row of the results, with its code, message and hint.",
        table.html());
  }

  private void configuration(Map<String, String> configuration, Map<String, String> defaults) {
    HtmlTable table = new HtmlTable("Key", "Value", "Default");
    configuration.forEach(
        (key, value) -> {
          boolean changed = !value.equals(defaults.get(key));
          table.row(changed, key, value, changed ? defaults.getOrDefault(key, "") : "");
        });
    out.append("<section><details><summary><h2>Configuration</h2></summary>")
        .append(table.html())
        .append("</details></section>\n");
  }

  private void versions() {
    HtmlTable table = new HtmlTable("", "");
    table.row("Weft", run.version().weft() + ", commit " + run.version().commit());
    table.row("Java, Spark", run.version().java() + ", " + run.version().spark());
    if (run.model() != null) {
      table.row(
          "Model file", run.model().file() + " (" + Format.bytes(run.model().fileBytes()) + ")");
      table.row("SHA-256", run.model().sha256());
    }
    if (run.engine() != null) {
      table.row(
          "KV cache",
          run.engine().kvFormat()
              + ", "
              + Format.count(run.engine().kvTokens(), "token")
              + " per engine");
      table.row("Engine ready after", Format.seconds(run.engine().loadSeconds()));
    }
    table.row("Results", run.output().results());
    table.row("Metrics", run.output().metrics());
    out.append("<section><details><summary><h2>Versions and files</h2></summary>")
        .append(table.html())
        .append("</details></section>\n");
  }

  private void section(String title, String note, String content) {
    out.append(section(title, note, List.of(content)));
  }

  static String section(String title, String note, List<String> contents) {
    return "<section><h2>"
        + Svg.escape(title)
        + "</h2>\n"
        + (note.isEmpty() ? "" : "<p>" + Svg.escape(note) + "</p>\n")
        + String.join("\n", contents)
        + "</section>\n";
  }

  static String empty(String why) {
    return "<p class=\"empty\">" + Svg.escape(why) + "</p>";
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the jar lacks " + name, e);
    }
  }
}
