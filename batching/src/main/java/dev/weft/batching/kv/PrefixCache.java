package dev.weft.batching.kv;

import java.util.Arrays;

/**
 * Full KV pages that can be found again by what they hold.
 *
 * <p>A page is identified by its parent page and its tokens; the lookup goes by a chain hash over
 * all tokens up to the page's end and is verified by parent and tokens, so two prefixes are never
 * confused. Whoever holds a page also holds its parents.
 *
 * <p>A registered page whose last reference goes stays cached. When pages run out, cached pages are
 * evicted leaves first: first those that no planned request needs (see {@link #follow}), among them
 * the least recently used; then those that are needed last, which loses the fewest hits (Belady
 * 1966, "A study of replacement algorithms"). A page is never evicted before its cached children.
 *
 * <p>Not thread-safe; no allocation after construction.
 */
public final class PrefixCache {
  /** No page: the parent of a first page, and the answer of a lookup that finds nothing. */
  public static final int NONE = -1;

  /** Chain hash before the first page. */
  public static final long EMPTY_HASH = 0x9E3779B97F4A7C15L;

  /** Keys of pages that are needed again; smaller ones are evicted first. */
  private static final long NEEDED = 1L << 62;

  private final PagePool pool;
  private final boolean sharing;
  private final int[] tokens;
  private final long[] hashes;
  private final int[] parents;
  private final int[] cachedChildren;
  private final boolean[] registered;
  private final long[] lastUse;
  private final int[] buckets;
  private final int[] nextInBucket;
  private final EvictionHeap evictable;
  private NextUse future = hash -> NextUse.NEVER;
  private long tick;
  private long lookups;
  private long hits;
  private long evictions;

  public PrefixCache(PagePool pool) {
    this(pool, true);
  }

  private PrefixCache(PagePool pool, boolean sharing) {
    this.pool = pool;
    this.sharing = sharing;
    int pages = pool.pages();
    tokens = new int[sharing ? Math.multiplyExact(pages, pool.pageTokens()) : 0];
    hashes = new long[pages];
    parents = new int[pages];
    cachedChildren = new int[pages];
    registered = new boolean[pages];
    lastUse = new long[pages];
    buckets = new int[Integer.highestOneBit(Math.max(2, pages)) * 2];
    Arrays.fill(buckets, NONE);
    nextInBucket = new int[pages];
    evictable = new EvictionHeap(pages);
  }

  /** A cache that never finds anything: every request computes all of its tokens. */
  public static PrefixCache withoutSharing(PagePool pool) {
    return new PrefixCache(pool, false);
  }

  public PagePool pool() {
    return pool;
  }

  /** Hash of everything up to the end of the page {@code content[from .. from+pageTokens-1]}. */
  public static long chainHash(long parentHash, int[] content, int from, int pageTokens) {
    long h = parentHash;
    for (int i = from; i < from + pageTokens; i++) {
      h = (h ^ content[i]) * 0xD6E8FEB86659FD93L;
      h ^= h >>> 32;
    }
    return h == 0 ? 1 : h;
  }

  /**
   * Finds the page that holds {@code content[from .. from+pageTokens-1]} after {@code parent}. Does
   * not reference it.
   *
   * @return the page or {@link #NONE}
   */
  public int find(int parent, long hash, int[] content, int from) {
    int page = buckets[bucket(hash)];
    while (page != NONE && !holds(page, parent, hash, content, from)) {
      page = nextInBucket[page];
    }
    return page;
  }

  /** Counts the outcome of matching one request: pages asked for and pages found. */
  public void countLookups(int asked, int found) {
    lookups += asked;
    hits += found;
  }

  /** References a page that {@link #find} returned. */
  public void attach(int page) {
    if (evictable.contains(page)) {
      evictable.remove(page);
    }
    pool.retain(page);
  }

  /** An empty page with one reference, evicting if need be; {@link #NONE} if all are in use. */
  public int allocate() {
    int page = pool.take();
    if (page == NONE && evictable.size() > 0) {
      evict();
      page = pool.take();
    }
    return page;
  }

  /**
   * Makes a full page findable. The caller holds it and all its parents.
   *
   * @return false if another page with this content is registered already; the page then stays
   *     private, and so must every page after it
   */
  public boolean register(int page, int parent, long hash, int[] content, int from) {
    if (!sharing || find(parent, hash, content, from) != NONE) {
      return false;
    }
    System.arraycopy(content, from, tokens, page * pool.pageTokens(), pool.pageTokens());
    hashes[page] = hash;
    parents[page] = parent;
    registered[page] = true;
    if (parent != NONE) {
      cachedChildren[parent]++;
    }
    int bucket = bucket(hash);
    nextInBucket[page] = buckets[bucket];
    buckets[bucket] = page;
    return true;
  }

  /** Drops one reference. Release a sequence's pages from its last to its first. */
  public void release(int page) {
    if (pool.release(page) > 0) {
      return;
    }
    if (!registered[page]) {
      pool.free(page);
      return;
    }
    lastUse[page] = ++tick;
    offerForEviction(page);
  }

  /** Evicts from now on by what is planned. Turns must grow with time. */
  public void follow(NextUse plan) {
    future = plan;
  }

  /** Pages that can be had now: empty ones and cached ones without a reference. */
  public int availablePages() {
    return pool.pages() - pool.usedPages();
  }

  /** Cached pages without a reference. */
  public int cachedPages() {
    return availablePages() - pool.freePages();
  }

  /** Pages that admitted requests asked for. */
  public long lookups() {
    return lookups;
  }

  /** Pages that admitted requests found. */
  public long hits() {
    return hits;
  }

  public long evictions() {
    return evictions;
  }

  /**
   * Forgets all pages, which then hold nothing: for when what they hold is in doubt.
   *
   * @throws IllegalStateException if someone holds a page
   */
  public void clear() {
    if (pool.usedPages() > 0) {
      throw new IllegalStateException(
          pool.usedPages() + " KV pages are held: give them back before the cache is cleared");
    }
    while (evictable.size() > 0) {
      evict();
    }
  }

  private void offerForEviction(int page) {
    if (cachedChildren[page] == 0 && pool.references(page) == 0) {
      evictable.add(page, evictionKey(page));
    }
  }

  /** Unneeded pages by last use, then needed ones from the latest to the next use. */
  private long evictionKey(int page) {
    long turn = future.turn(hashes[page]);
    return turn == NextUse.NEVER
        ? lastUse[page]
        : NEEDED + (NEEDED - 1 - Math.min(turn, NEEDED - 1));
  }

  private void evict() {
    int page = evictable.removeFirst();
    for (long key = evictionKey(page); key > evictable.key(page); key = evictionKey(page)) {
      // A request was planned since that needs it sooner.
      evictable.add(page, key);
      page = evictable.removeFirst();
    }
    evictions++;
    registered[page] = false;
    int bucket = bucket(hashes[page]);
    if (buckets[bucket] == page) {
      buckets[bucket] = nextInBucket[page];
    } else {
      int before = buckets[bucket];
      while (nextInBucket[before] != page) {
        before = nextInBucket[before];
      }
      nextInBucket[before] = nextInBucket[page];
    }
    pool.free(page);
    int parent = parents[page];
    if (parent != NONE && --cachedChildren[parent] == 0) {
      offerForEviction(parent);
    }
  }

  private boolean holds(int page, int parent, long hash, int[] content, int from) {
    int size = pool.pageTokens();
    int at = page * size;
    return hashes[page] == hash
        && parents[page] == parent
        && Arrays.equals(tokens, at, at + size, content, from, from + size);
  }

  private int bucket(long hash) {
    return (int) (hash ^ (hash >>> 29)) & (buckets.length - 1);
  }
}
