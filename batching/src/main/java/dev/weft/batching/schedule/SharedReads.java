package dev.weft.batching.schedule;

/**
 * Tokens whose K and V a step need not read again because a backend reads a page once for up to
 * {@code group} of the decoding sequences that hold it: of a page with {@code k} of them, {@code k
 * - ceil(k / group)} reads are saved.
 *
 * <p>Kept up to date when a sequence starts decoding, gets a full page, or stops, in the time of
 * those pages; a step asks for the sum only. Shared pages are always full, and every decoding
 * sequence is in every step.
 */
final class SharedReads {
  private final int group;
  private final int pageTokens;

  /** By page: decoding sequences that hold it. */
  private final int[] readers;

  private long savedPages;

  /**
   * @param group most sequences that one read of a page serves; 1 counts nothing
   */
  SharedReads(int group, int pages, int pageTokens) {
    this.group = group;
    this.pageTokens = pageTokens;
    readers = new int[group > 1 ? pages : 0];
  }

  /** Counts the full pages of a decoding sequence that are not counted yet. */
  void read(Sequence sequence) {
    if (group > 1) {
      int full = sequence.computed / pageTokens;
      while (sequence.readPages < full) {
        int page = sequence.pageTable[sequence.readPages++];
        // The first reader of every group is the one that pays for it.
        savedPages += readers[page]++ % group == 0 ? 0 : 1;
      }
    }
  }

  /** Forgets a sequence that stops decoding; its page table is still there. */
  void stop(Sequence sequence) {
    while (sequence.readPages > 0) {
      int page = sequence.pageTable[--sequence.readPages];
      savedPages -= --readers[page] % group == 0 ? 0 : 1;
    }
  }

  /** Tokens that are not read again. */
  long savedTokens() {
    return savedPages * pageTokens;
  }
}
