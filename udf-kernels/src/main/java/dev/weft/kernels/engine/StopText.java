package dev.weft.kernels.engine;

import dev.weft.kernels.tokenizer.StreamingDecoder;
import dev.weft.kernels.tokenizer.Tokenizer;

/**
 * Finds the first stop text in an answer as it grows, across the borders of tokens: the one that is
 * complete first if the text is read character by character, and of those that end together the
 * longest. So what is found does not depend on how the text is cut into tokens.
 */
final class StopText {
  private final String[] stops;
  private final StreamingDecoder decoder;
  private final StringBuilder text = new StringBuilder();
  private String found;

  StopText(String[] stops, Tokenizer tokenizer) {
    this.stops = stops;
    decoder = new StreamingDecoder(tokenizer);
  }

  /** Takes the next token; true if it completes a stop text. */
  boolean accept(int token) {
    return append(decoder.accept(token));
  }

  /** Takes the end of the answer, which may leave an incomplete character; like {@link #accept}. */
  boolean finish() {
    return found == null && append(decoder.finish());
  }

  /** The stop text that was found, or null. */
  String found() {
    return found;
  }

  /** The text, up to the stop text if one was found. */
  String text() {
    return text.toString();
  }

  private boolean append(String more) {
    int before = text.length();
    text.append(more);
    int bestEnd = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = text.indexOf(stop, Math.max(0, before - stop.length() + 1));
      if (at >= 0) {
        int end = at + stop.length();
        if (end < bestEnd || end == bestEnd && stop.length() > found.length()) {
          bestEnd = end;
          found = stop;
        }
      }
    }
    if (found != null && bestEnd != Integer.MAX_VALUE) {
      text.setLength(bestEnd - found.length());
    }
    return bestEnd != Integer.MAX_VALUE;
  }
}
