package dev.weft.jobs.report;

import java.util.ArrayList;
import java.util.List;

/** Lines of a name and a text, aligned; texts from outside are made safe for a terminal. */
final class FactLines {
  private final List<String[]> lines = new ArrayList<>();

  /** Adds a line; an empty name continues the one above. */
  void line(String name, String text) {
    lines.add(new String[] {name, TerminalReport.oneLine(text)});
  }

  String text() {
    int width = lines.stream().mapToInt(l -> l[0].length()).max().orElse(0);
    StringBuilder out = new StringBuilder();
    for (String[] line : lines) {
      String gap = " ".repeat(width - line[0].length() + 2);
      out.append("  ").append(line[0]).append(gap).append(line[1]).append('\n');
    }
    return out.toString();
  }
}
