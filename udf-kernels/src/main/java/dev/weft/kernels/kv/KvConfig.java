package dev.weft.kernels.kv;

/**
 * How much KV memory a model gets.
 *
 * @param pages pages shared by all sequences, at least 1; page ids are 0 to {@code pages - 1}
 * @param pageTokens tokens of one page; kernels are built for {@value #PAGE_TOKENS}
 * @param format in which keys and values are stored
 */
public record KvConfig(int pages, int pageTokens, KvFormat format) {
  /** Tokens of one page: a multiple of every vector width, and one cache line of f32. */
  public static final int PAGE_TOKENS = 16;

  public KvConfig {
    if (pages < 1) {
      throw new IllegalArgumentException("KV cache of " + pages + " pages; it needs at least 1");
    }
    if (pageTokens != PAGE_TOKENS) {
      throw new IllegalArgumentException(
          "KV pages of " + pageTokens + " tokens; kernels have pages of " + PAGE_TOKENS);
    }
  }

  public KvConfig(int pages, KvFormat format) {
    this(pages, PAGE_TOKENS, format);
  }

  public KvConfig(int pages) {
    this(pages, KvFormat.F32);
  }
}
