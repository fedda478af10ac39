package dev.weft.datasets.format;

/**
 * Sizes beyond which a row is refused.
 *
 * @param maxRowBytes longest row
 * @param maxPromptBytes longest prompt: UTF-8 bytes of its text, of all messages together, or four
 *     for each token id
 */
public record RequestLimits(int maxRowBytes, int maxPromptBytes) {
  /** Deepest nesting of JSON; requests need six levels. */
  public static final int MAX_DEPTH = 32;

  /**
   * Most values, names and brackets in a row of JSON. It bounds the memory of a row: an empty
   * object takes thirty times the two bytes it is written with.
   */
  public static final int MAX_TOKENS = 1 << 20;

  /** Longest id, in UTF-16 units. */
  public static final int MAX_ID_LENGTH = 1024;

  /** 64 MiB a row, 16 MiB a prompt. */
  public static final RequestLimits DEFAULTS = new RequestLimits(64 << 20, 16 << 20);
}
