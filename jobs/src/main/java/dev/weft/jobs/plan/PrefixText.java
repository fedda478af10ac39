package dev.weft.jobs.plan;

import dev.weft.kernels.tokenizer.StreamingDecoder;
import dev.weft.kernels.tokenizer.Tokenizer;
import java.util.Arrays;

/** Shows the beginning of tokens as text on one line. */
public final class PrefixText {
  private static final int CHARACTERS = 80;
  private static final int TOKENS = 64;

  private final Tokenizer tokenizer;

  public PrefixText(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** At most {@value #CHARACTERS} characters; line ends, tabs and control characters escaped. */
  String of(int[] tokens) {
    StreamingDecoder decoder = new StreamingDecoder(tokenizer);
    StringBuilder raw = new StringBuilder();
    for (int token : Arrays.copyOf(tokens, Math.min(tokens.length, TOKENS))) {
      raw.append(
          tokenizer.isSpecial(token)
              ? decoder.finish() + tokenizer.tokenText(token)
              : decoder.accept(token));
    }
    raw.append(decoder.finish());
    return escaped(raw.toString(), tokens.length > TOKENS);
  }

  private static String escaped(String text, boolean cut) {
    StringBuilder out = new StringBuilder();
    int shown = 0;
    for (int i = 0; i < text.length() && shown < CHARACTERS; shown++) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          switch (Character.getType(c)) {
            case Character.CONTROL,
                Character.FORMAT,
                Character.SURROGATE,
                Character.PRIVATE_USE,
                Character.UNASSIGNED,
                Character.LINE_SEPARATOR,
                Character.PARAGRAPH_SEPARATOR ->
                out.append(String.format("\\u{%x}", c));
            default -> out.appendCodePoint(c);
          }
        }
      }
      cut |= shown == CHARACTERS - 1 && i < text.length();
    }
    return cut ? out.append('…').toString() : out.toString();
  }
}
