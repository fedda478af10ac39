package dev.weft.jobs.report;

import java.util.Locale;

/** Writes one SVG picture. Every text and attribute that comes from outside is escaped here. */
final class Svg {
  private final StringBuilder out = new StringBuilder(4096);

  /**
   * A picture of {@code width x height} units that fills the width at hand; {@code label} names it.
   */
  Svg(int width, int height, String label) {
    out.append(
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n"
            .formatted(width, height, escape(label)));
  }

  private Svg() {}

  /** A picture that is a file of its own, with its style inside. */
  static Svg standalone(int width, int height, String label, String style) {
    Svg svg = new Svg();
    svg.out.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" aria-label=\"%s\">%n<style>%n%s</style>%n"
            .formatted(width, height, escape(label), style));
    return svg;
  }

  Svg line(double x1, double y1, double x2, double y2, String style) {
    out.append(
        format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>%n",
            x1, y1, x2, y2, style));
    return this;
  }

  /** A rectangle with a text that appears while the pointer rests on it. */
  Svg rect(double x, double y, double width, double height, String style, String tip) {
    out.append(
        format(
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" class=\"%s\">%s</rect>%n",
            x, y, Math.max(0, width), Math.max(0, height), style, title(tip)));
    return this;
  }

  Svg circle(double x, double y, double radius, String style, String tip) {
    out.append(
        format(
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"%s\">%s</circle>%n",
            x, y, radius, style, title(tip)));
    return this;
  }

  /** {@code anchor} is start, middle or end. */
  Svg text(double x, double y, String anchor, String style, String text) {
    out.append(
        format(
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>%n",
            x, y, anchor, style, escape(text)));
    return this;
  }

  /** A path; {@code data} is made of numbers by this package. */
  Svg path(String data, String style) {
    out.append("<path d=\"").append(data).append("\" class=\"").append(style).append("\"/>\n");
    return this;
  }

  String done() {
    return out.append("</svg>").toString();
  }

  /**
   * Text that is safe within HTML and SVG, in content and in attributes; control characters show as
   * a replacement.
   */
  static String escape(String text) {
    StringBuilder safe = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '<' -> safe.append("&lt;");
        case '>' -> safe.append("&gt;");
        case '&' -> safe.append("&amp;");
        case '"' -> safe.append("&quot;");
        case '\'' -> safe.append("&#39;");
        default -> {
          boolean bad =
              c < 0x20 && c != '\n' && c != '\t'
                  || c == 0x7f
                  || c >= 0xfffe
                  || c >= 0x202a && c <= 0x202e
                  || c >= 0x2066 && c <= 0x2069
                  || Character.isSurrogate(c) && !inPair(text, i);
          safe.append(bad ? '\ufffd' : c);
        }
      }
    }
    return safe.toString();
  }

  private static boolean inPair(String text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
  }

  private static String title(String tip) {
    return tip.isEmpty() ? "" : "<title>" + escape(tip) + "</title>";
  }

  static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
