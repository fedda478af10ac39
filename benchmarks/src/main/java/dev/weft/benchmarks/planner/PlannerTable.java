package dev.weft.benchmarks.planner;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Results as Markdown, with what the paper reports beside them. */
final class PlannerTable {
  private static final String[] TRACES = {"trace1", "trace2", "trace3", "trace4"};

  /** BlendServe on an A100, tokens/s (arXiv 2411.16102, table 3, one worker). */
  private static final double[] PAPER_TOKENS_PER_SECOND = {11_080, 8_408, 8_403, 6_325};

  /** Its scaling to 2 and 4 workers by trace (table 3). */
  private static final Map<Integer, double[]> PAPER_SCALING =
      Map.of(2, new double[] {1.85, 1.93, 1.85, 1.93}, 4, new double[] {3.78, 3.86, 3.81, 3.88});

  private final Map<String, Measurement> byName;

  private PlannerTable(Map<String, Measurement> byName) {
    this.byName = byName;
  }

  /** The last measurement of a name counts. */
  static PlannerTable of(List<Measurement> measurements) {
    Map<String, Measurement> byName = new LinkedHashMap<>();
    for (Measurement measurement : measurements) {
      byName.put(measurement.name(), measurement);
    }
    return new PlannerTable(byName);
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    summary(text);
    throughput(text, "", "Llama-3.1-8B on one A100");
    parts(text, "", "Llama-3.1-8B on one A100");
    throughput(text, "-70b", "Llama-3.1-70B on eight A100");
    parts(text, "-70b", "Llama-3.1-70B on eight A100");
    overlap(text);
    variance(text);
    sharing(text, "sharing.bbh", "BIG-Bench Hard");
    sharing(text, "trace.mooncake-conversation", "Mooncake conversation");
    throughputByBudget(text, "trace.azure-code-2023", "Azure code: lengths only");
    partitions(text);
    planning(text);
    return text.toString();
  }

  private void summary(StringBuilder text) {
    text.append("### Against the paper\n\n| | BlendServe | here |\n|---|---|---|\n");
    row(text, "`blend` over `dfs`, mean of 4, 8B", "1.21", ratio("paper.mean.blend_over_dfs"));
    row(text, "the same, 70B", "1.19", ratio("paper.mean-70b.blend_over_dfs"));
    row(
        text,
        "`blend` over `dfs` without overlap, mean of 4, 8B",
        "up to 1.44 (vLLM)",
        ratio("paper.mean.blend_over_dfs_without_overlap"));
    row(
        text,
        "part of the practical optimum, 8B",
        "86.55%",
        percent("paper.mean.blend_of_optimum"));
    row(text, "the same, 70B", "90.8%", percent("paper.mean-70b.blend_of_optimum"));
    row(text, "sharing kept, 8B", "over 97%", percent("paper.mean.blend_sharing_kept"));
    row(
        text,
        "grid of 65: `blend` over `dfs`",
        "1.23 (1.14 to 1.34)",
        ratio("paper.grid.summary.blend_over_dfs") + range("paper.grid.summary.blend_over_dfs"));
    row(
        text,
        "grid of 65: part of the practical optimum",
        "",
        percent("paper.grid.summary.blend_of_optimum"));
    row(text, "ShareGPT mix", "at most 1.17", ratio("variance.sharegpt"));
    text.append('\n');
  }

  private void throughput(StringBuilder text, String suffix, String device) {
    List<String> names = policies("paper.trace1" + suffix + ".of_optimum.");
    if (names.isEmpty()) {
      return;
    }
    names.add("dfs_without_overlap");
    names.add("practical_optimum");
    names.add("ideal");
    text.append("### Tokens per second, ").append(device).append("\n\n| |");
    for (int i = 0; i < TRACES.length; i++) {
      text.append(" trace ").append(i + 1).append(" | over `dfs` |");
    }
    text.append("\n|---|").append("---|".repeat(2 * TRACES.length)).append('\n');
    if (suffix.isEmpty()) {
      text.append("| BlendServe, real A100 |");
      for (double each : PAPER_TOKENS_PER_SECOND) {
        text.append(number(each, 0)).append(" | |");
      }
      text.append('\n');
    }
    for (String name : names) {
      text.append("| `").append(name).append("` |");
      for (String trace : TRACES) {
        Measurement m = byName.get("paper." + trace + suffix + "." + name);
        text.append(
            m == null ? " | |" : number(m.value(), 0) + " | " + number(m.ratio(), 2) + " |");
      }
      text.append('\n');
    }
    text.append('\n');
  }

  private void parts(StringBuilder text, String suffix, String device) {
    List<String> names = policies("paper.trace1" + suffix + ".of_optimum.");
    if (names.isEmpty()) {
      return;
    }
    text.append("### Part of the practical optimum / of the possible sharing, ").append(device);
    text.append("\n\n| | trace 1 | trace 2 | trace 3 | trace 4 |\n|---|---|---|---|---|\n");
    for (String name : names) {
      text.append("| `").append(name).append("` |");
      for (String trace : TRACES) {
        String prefix = "paper." + trace + suffix;
        text.append(' ').append(percent(prefix + ".of_optimum." + name)).append(" / ");
        text.append(percent(prefix + ".sharing_kept." + name)).append(" |");
      }
      text.append('\n');
    }
    text.append('\n');
  }

  private void overlap(StringBuilder text) {
    Map<String, String> rows = new TreeMap<>();
    for (String name : byName.keySet()) {
      int at = name.indexOf(".overlap-");
      if (name.startsWith("paper.trace1.") && at > 0 && name.endsWith(".blend")) {
        rows.put(name.substring(at, at + ".overlap-0.00".length()), "");
      }
    }
    if (rows.isEmpty()) {
      return;
    }
    text.append(
        "### By overlap of the device: `blend` over `dfs`, part of the practical optimum\n\n");
    text.append("| overlap | trace 1 | | trace 2 | | trace 3 | | trace 4 | |\n");
    text.append("|---|").append("---|".repeat(2 * TRACES.length)).append('\n');
    for (String overlap : rows.keySet()) {
      text.append("| ").append(overlap.substring(".overlap-".length())).append(" |");
      for (String trace : TRACES) {
        String prefix = "paper." + trace + overlap;
        text.append(ratio(prefix + ".blend")).append(" | ");
        text.append(percent(prefix + ".of_optimum.blend")).append(" |");
      }
      text.append('\n');
    }
    text.append('\n');
  }

  private void variance(StringBuilder text) {
    List<String> policies = policies("variance.sharegpt.of_optimum.");
    if (policies.isEmpty()) {
      return;
    }
    text.append("### Mixes with conversations: over `dfs`, part of the practical optimum\n\n| |");
    String[] mixes = {"sharegpt", "wildchat", "lmsys"};
    for (String mix : mixes) {
      text.append(' ').append(mix).append(" | |");
    }
    text.append("\n|---|").append("---|".repeat(2 * mixes.length)).append('\n');
    for (String policy : policies) {
      text.append("| `").append(policy).append("` |");
      for (String mix : mixes) {
        text.append(ratio("variance." + mix + "." + policy)).append(" | ");
        text.append(percent("variance." + mix + ".of_optimum." + policy)).append(" |");
      }
      text.append('\n');
    }
    text.append('\n');
  }

  /**
   * Sharing of a recorded workload by KV budget, over Belady's bound and over an unlimited cache.
   */
  private void sharing(StringBuilder text, String prefix, String title) {
    List<Integer> budgets = budgets(prefix);
    if (budgets.isEmpty()) {
      return;
    }
    text.append("### ").append(title);
    text.append(
        ": prompt tokens saved, of Belady's bound for the order / of an unlimited cache\n\n");
    head(text, budgets);
    for (String policy : policies(prefix + ".kv" + budgets.get(0) + ".sharing_kept.")) {
      text.append("| `").append(policy).append("` |");
      for (int budget : budgets) {
        String at = prefix + ".kv" + budget;
        text.append(ratioPercent(at + ".sharing_kept." + policy)).append(" / ");
        text.append(ratioPercent(at + ".sharing_of_unlimited." + policy)).append(" |");
      }
      text.append('\n');
    }
    text.append('\n');
    throughputByBudget(text, prefix, title);
  }

  private void throughputByBudget(StringBuilder text, String prefix, String title) {
    List<Integer> budgets = budgets(prefix);
    if (budgets.isEmpty()) {
      return;
    }
    text.append("### ").append(title).append(": throughput over `dfs`\n\n");
    head(text, budgets);
    for (String policy : policies(prefix + ".kv" + budgets.get(0) + ".")) {
      text.append("| `").append(policy).append("` |");
      for (int budget : budgets) {
        text.append(ratio(prefix + ".kv" + budget + "." + policy)).append(" |");
      }
      text.append('\n');
    }
    text.append('\n');
  }

  private static void head(StringBuilder text, List<Integer> budgets) {
    text.append("| KV, part of all tokens |");
    for (int budget : budgets) {
      text.append(' ').append(budget).append("% |");
    }
    text.append("\n|---|").append("---|".repeat(budgets.size())).append('\n');
  }

  private void partitions(StringBuilder text) {
    StringBuilder rows = new StringBuilder();
    for (int k : new int[] {2, 4, 8, 64}) {
      for (int t = 0; t < TRACES.length; t++) {
        String prefix = "dp." + k + "." + TRACES[t];
        if (byName.containsKey(prefix + ".scaling")) {
          double[] paper = PAPER_SCALING.get(k);
          row(
              rows,
              k + ", " + TRACES[t],
              paper == null ? "" : number(paper[t], 2),
              ratio(prefix + ".scaling"),
              percent(prefix + ".imbalance"),
              ratioPercent(prefix + ".sharing_lost"));
        }
      }
    }
    if (!rows.isEmpty()) {
      text.append("### Data parallel\n\n| devices, workload | BlendServe | scaling | imbalance |");
      text.append(" tokens computed again |\n|---|---|---|---|---|\n").append(rows).append('\n');
    }
  }

  private void planning(StringBuilder text) {
    StringBuilder rows = new StringBuilder();
    for (String name : byName.keySet()) {
      if (name.startsWith("plan.seconds.")) {
        String label = name.substring("plan.seconds.".length());
        Measurement bytes = byName.get("plan.bytes_per_token." + label);
        row(
            rows,
            label,
            number(byName.get(name).value(), 2),
            bytes == null ? "" : number(bytes.value(), 2));
      }
    }
    if (!rows.isEmpty()) {
      text.append("### Planning\n\n| requests of about 1,000 tokens | seconds |");
      text.append(" bytes per token, all allocations |\n|---|---|---|\n").append(rows).append('\n');
    }
  }

  /** Names that follow a beginning and have no further parts. */
  private List<String> policies(String prefix) {
    List<String> names = new ArrayList<>();
    for (String name : byName.keySet()) {
      if (name.startsWith(prefix) && name.indexOf('.', prefix.length()) < 0) {
        names.add(name.substring(prefix.length()));
      }
    }
    return names;
  }

  /** KV budgets of a recorded workload in percent, as they were measured. */
  private List<Integer> budgets(String prefix) {
    List<Integer> budgets = new ArrayList<>();
    for (String name : byName.keySet()) {
      String start = prefix + ".kv";
      if (name.startsWith(start) && name.endsWith("." + PolicyRuns.BASELINE)) {
        String rest = name.substring(start.length());
        String number = rest.substring(0, rest.indexOf('.'));
        if (rest.length() == number.length() + 1 + PolicyRuns.BASELINE.length()) {
          budgets.add(Integer.parseInt(number));
        }
      }
    }
    return budgets;
  }

  private static void row(StringBuilder text, String... cells) {
    text.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private String ratio(String name) {
    Measurement m = byName.get(name);
    return m == null ? "not measured" : number(m.ratio(), 2);
  }

  private String percent(String name) {
    Measurement m = byName.get(name);
    return m == null ? "not measured" : number(100 * m.value(), 1) + "%";
  }

  private String ratioPercent(String name) {
    Measurement m = byName.get(name);
    return m == null ? "not measured" : number(100 * m.ratio(), 1) + "%";
  }

  /** The range that a mean was taken over. */
  private String range(String name) {
    Measurement m = byName.get(name);
    int at = m == null ? -1 : m.workload().lastIndexOf(", from ");
    return at < 0 ? "" : " (" + m.workload().substring(at + ", from ".length()) + ")";
  }

  private static String number(double value, int digits) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%,." + digits + "f", value);
  }
}
