package dev.weft.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.run.RunSummary;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xml.sax.InputSource;

class HtmlReportTest {

  static Stream<RunSummary> runs() {
    return Stream.of(
        SampleRuns.ordinary(90, 8),
        SampleRuns.ordinary(1, 1),
        SampleRuns.ordinary(2000, 100),
        SampleRuns.nothing(),
        SampleRuns.extreme());
  }

  private static String render(RunSummary run) {
    return HtmlReport.render(
        run,
        WeftConfig.of(Map.of("engine.threads", "2")).entries(),
        WeftConfig.defaults().entries());
  }

  @ParameterizedTest
  @MethodSource("runs")
  void isOneSafePageThatNeedsNothingElse(RunSummary run) throws IOException {
    String html = render(run);
    Path file =
        Path.of(
            "target",
            "report-samples",
            run.runId().substring(0, 4).replace('<', '_') + run.steps().size() + ".html");
    Files.createDirectories(file.getParent());
    Files.writeString(file, html.replace('\ud800', '?'));
    assertThat(html)
        .doesNotContain(
            "<script", "onload='", "\u001b", "http:", "https:", "url(", "@import", "src=", "href=")
        .doesNotContain("NaN", "Infinity", "null");
  }

  @ParameterizedTest
  @MethodSource("runs")
  void picturesAreWellFormed(RunSummary run) throws Exception {
    Matcher svg = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL).matcher(render(run));
    int pictures = 0;
    while (svg.find()) {
      DocumentBuilderFactory.newInstance()
          .newDocumentBuilder()
          .parse(new InputSource(new StringReader(svg.group())));
      pictures++;
    }
    assertThat(pictures).isGreaterThanOrEqualTo(run.steps().isEmpty() ? 1 : 5);
  }

  @Test
  void saysSoWhereThereIsNothingToDraw() {
    assertThat(render(SampleRuns.nothing()))
        .contains("No engine step ran", "No partition ran", "No prompt ran", "No energy source");
  }

  @Test
  void showsEveryFact() {
    assertThat(render(SampleRuns.ordinary(90, 8)))
        .contains(
            "1,997", "96.1%", "70.4%", "72.6%", "4.8 mJ", "ROW_BROKEN_JSON", "PROMPT_TOO_LONG")
        .contains("line 17, column 4: &lt;unexpected &amp; &quot;end&quot;&gt;")
        .contains("measured overlap 0.04", "triage", "estimate:cpu-time", "2m 23s")
        .contains("<tr class=\"marked\"><td>engine.threads</td><td>2</td><td>auto</td>");
  }

  @Test
  void theTerminalShowsTheSame() {
    assertThat(TerminalReport.of(SampleRuns.ordinary(90, 8)))
        .contains(
            "2,000: 1,997 answered, 3 errors", "2 × ROW_BROKEN_JSON", "70.4%", "4.8 mJ per token");
    assertThat(TerminalReport.of(SampleRuns.extreme())).doesNotContain("\u001b", "NaN", "Infinity");
    assertThat(TerminalReport.of(SampleRuns.nothing())).contains("already complete");
    assertThat(TerminalReport.of(SampleRuns.plan()))
        .contains("→ dfs", "45.6 GFLOP/s", "measured overlap 0.04", "4.1 kJ", "0.01 EUR");
  }
}
