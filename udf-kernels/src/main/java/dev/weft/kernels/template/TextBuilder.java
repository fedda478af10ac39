package dev.weft.kernels.template;

import java.util.Arrays;

/** Joins texts, keeping the origin of every character and the run's limit on length. */
final class TextBuilder {
  private final Run run;
  private final StringBuilder chars = new StringBuilder();
  private int[] spans = new int[8];
  private int spanCount;

  TextBuilder(Run run) {
    this.run = run;
  }

  TextBuilder append(Text text) {
    return append(text, 0, text.units());
  }

  TextBuilder append(Text text, int from, int to) {
    run.chargeChars(chars.length(), to - from);
    int base = chars.length() - from;
    chars.append(text.chars(), from, to);
    for (int start = text.firstUser(from, to); start >= 0; ) {
      int end = Math.min(to, text.runEnd(start));
      addSpan(base + start, base + end);
      start = text.firstUser(end, to);
    }
    return this;
  }

  /** Appends text of the template or of the program. */
  TextBuilder append(String trusted) {
    run.chargeChars(chars.length(), trusted.length());
    chars.append(trusted);
    return this;
  }

  /** Appends text that was made from text of the given origin. */
  TextBuilder append(String made, boolean user) {
    int start = chars.length();
    append(made);
    if (user) {
      addSpan(start, chars.length());
    }
    return this;
  }

  private void addSpan(int start, int end) {
    if (start == end) {
      return;
    }
    if (spanCount > 0 && spans[spanCount - 1] == start) {
      spans[spanCount - 1] = end;
      return;
    }
    if (spanCount == spans.length) {
      spans = Arrays.copyOf(spans, 2 * spans.length);
    }
    spans[spanCount++] = start;
    spans[spanCount++] = end;
  }

  Text build() {
    return new Text(chars.toString(), Arrays.copyOf(spans, spanCount));
  }
}
