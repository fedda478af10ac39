package dev.weft.batching.kv;

/** The future of KV pages, as far as it is planned. */
@FunctionalInterface
public interface NextUse {
  /** Nothing planned needs the page. */
  long NEVER = Long.MAX_VALUE;

  /**
   * The turn in which a page is needed next, counted in requests admitted since the beginning;
   * {@link #NEVER} if no planned request needs it.
   *
   * @param hash chain hash of the page
   */
  long turn(long hash);
}
