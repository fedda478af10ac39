package dev.weft.kernels.tokenizer;

/**
 * Tokens to text as they come: bytes of an incomplete character are held back until it is complete;
 * bytes that cannot become one are replaced by U+FFFD, one per maximal invalid part, as Unicode
 * recommends. Not safe for many threads.
 */
public final class StreamingDecoder {
  private final Tokenizer tokenizer;
  private final byte[] pending = new byte[4];
  private int pendingLength;
  private boolean dropSpace;

  /** Decodes the continuation of a prompt: every space is kept. */
  public StreamingDecoder(Tokenizer tokenizer) {
    this(tokenizer, false);
  }

  /**
   * @param dropLeadingSpace whether one space at the very beginning is dropped, for text that was
   *     encoded from its start by a tokenizer that {@link Tokenizer#dropsLeadingSpace}
   */
  public StreamingDecoder(Tokenizer tokenizer, boolean dropLeadingSpace) {
    this.tokenizer = tokenizer;
    this.dropSpace = dropLeadingSpace;
  }

  /** The text that this token completes; may be empty. */
  public String accept(int token) {
    byte[] bytes = tokenizer.bytes(token);
    int from = 0;
    if (dropSpace && bytes.length > 0) {
      dropSpace = false;
      from = bytes[0] == ' ' ? 1 : 0;
    }
    if (from == bytes.length) {
      return "";
    }
    var text = new StringBuilder(bytes.length);
    for (int i = from; i < bytes.length; i++) {
      add(bytes[i], text);
    }
    return text.toString();
  }

  /** What is left at the end: U+FFFD for an incomplete character, else empty. */
  public String finish() {
    boolean incomplete = pendingLength > 0;
    pendingLength = 0;
    return incomplete ? "\uFFFD" : "";
  }

  private void add(byte b, StringBuilder text) {
    if (pendingLength > 0 && !continues(b)) {
      pendingLength = 0;
      text.append('\uFFFD');
    }
    if (pendingLength == 0) {
      int lead = b & 0xFF;
      if (lead < 0x80) {
        text.append((char) lead);
      } else if (lead < 0xC2 || lead > 0xF4) {
        text.append('\uFFFD');
      } else {
        pending[pendingLength++] = b;
      }
      return;
    }
    pending[pendingLength++] = b;
    if (pendingLength == length(pending[0] & 0xFF)) {
      int codePoint = pending[0] & (0x7F >> pendingLength);
      for (int i = 1; i < pendingLength; i++) {
        codePoint = codePoint << 6 | pending[i] & 0x3F;
      }
      text.appendCodePoint(codePoint);
      pendingLength = 0;
    }
  }

  /** Whether {@code b} may follow the pending bytes (Unicode standard, table 3-7). */
  private boolean continues(byte b) {
    int value = b & 0xFF;
    if (pendingLength == 1) {
      switch (pending[0] & 0xFF) {
        case 0xE0 -> {
          return value >= 0xA0 && value <= 0xBF;
        }
        case 0xED -> {
          return value >= 0x80 && value <= 0x9F;
        }
        case 0xF0 -> {
          return value >= 0x90 && value <= 0xBF;
        }
        case 0xF4 -> {
          return value >= 0x80 && value <= 0x8F;
        }
        default -> {}
      }
    }
    return value >= 0x80 && value <= 0xBF;
  }

  private static int length(int lead) {
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  }
}
