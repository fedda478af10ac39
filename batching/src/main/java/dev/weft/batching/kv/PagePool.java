package dev.weft.batching.kv;

/**
 * Page ids {@code 0..pages-1} with reference counts. Pure bookkeeping: the K and V of page {@code
 * i} live wherever the engine keeps its page {@code i}. Not thread-safe.
 */
public final class PagePool {
  private final int pageTokens;
  private final int[] references;
  private final int[] freeStack;
  private int free;
  private int used;
  private int peakUsed;

  /**
   * @param pages pages of the pool, at least 1
   * @param pageTokens tokens whose K and V one page holds, at least 1
   */
  public PagePool(int pages, int pageTokens) {
    if (pages < 1 || pageTokens < 1) {
      throw new IllegalArgumentException(
          "a KV pool needs at least one page of at least one token, got "
              + pages
              + " pages of "
              + pageTokens
              + " tokens: give the KV cache more memory");
    }
    this.pageTokens = pageTokens;
    references = new int[pages];
    freeStack = new int[pages];
    for (int i = 0; i < pages; i++) {
      freeStack[i] = pages - 1 - i;
    }
    free = pages;
  }

  public int pages() {
    return references.length;
  }

  public int pageTokens() {
    return pageTokens;
  }

  /** Pages needed to hold that many tokens. */
  public int pagesFor(long tokens) {
    return (int) Math.min(Integer.MAX_VALUE, (tokens + pageTokens - 1) / pageTokens);
  }

  /** Pages that hold nothing. */
  public int freePages() {
    return free;
  }

  /** Pages with at least one reference. */
  public int usedPages() {
    return used;
  }

  /** Most pages that ever had a reference at the same time. */
  public int peakUsedPages() {
    return peakUsed;
  }

  public int references(int page) {
    return references[page];
  }

  /** Takes an empty page and references it once; -1 if there is none. */
  int take() {
    if (free == 0) {
      return -1;
    }
    int page = freeStack[--free];
    retain(page);
    return page;
  }

  void retain(int page) {
    if (references[page]++ == 0) {
      used++;
      peakUsed = Math.max(peakUsed, used);
    }
  }

  /** Drops one reference and returns how many are left. */
  int release(int page) {
    if (references[page] == 0) {
      throw new IllegalStateException("KV page " + page + " was released more often than taken");
    }
    int left = --references[page];
    if (left == 0) {
      used--;
    }
    return left;
  }

  /** Gives an unreferenced page back as empty. */
  void free(int page) {
    freeStack[free++] = page;
  }
}
