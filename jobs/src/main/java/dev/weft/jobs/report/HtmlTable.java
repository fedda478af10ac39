package dev.weft.jobs.report;

/**
 * An HTML table. A column whose name begins with {@code #} holds numbers; the column {@code =}
 * holds shares between 0 and 1 that are drawn as bars; a table whose names are all empty has no
 * head.
 */
final class HtmlTable {
  private final String[] columns;
  private final StringBuilder body = new StringBuilder();

  HtmlTable(String... columns) {
    this.columns = columns;
  }

  HtmlTable row(String... cells) {
    return row(false, cells);
  }

  HtmlTable row(boolean marked, String... cells) {
    body.append(marked ? "<tr class=\"marked\">" : "<tr>");
    for (int i = 0; i < cells.length; i++) {
      if (columns[i].equals("=")) {
        body.append(
            Svg.format(
                "<td class=\"share\"><span class=\"track\"><i class=\"b-teal\" style=\"width:%.1f%%\"></i></span></td>",
                Math.clamp(Double.parseDouble(cells[i]), 0, 1) * 100));
      } else {
        body.append(isNumber(i) ? "<td class=\"n\">" : "<td>")
            .append(Svg.escape(cells[i]))
            .append("</td>");
      }
    }
    body.append("</tr>\n");
    return this;
  }

  String html() {
    StringBuilder out = new StringBuilder("<div class=\"scroll\"><table>\n");
    if (!String.join("", columns).isEmpty()) {
      out.append("<thead><tr>");
      for (int i = 0; i < columns.length; i++) {
        String name =
            columns[i].equals("=") ? "" : isNumber(i) ? columns[i].substring(1) : columns[i];
        out.append(isNumber(i) ? "<th class=\"n\">" : "<th>")
            .append(Svg.escape(name))
            .append("</th>");
      }
      out.append("</tr></thead>\n");
    }
    return out.append("<tbody>\n").append(body).append("</tbody></table></div>").toString();
  }

  private boolean isNumber(int column) {
    return columns[column].startsWith("#");
  }
}
