package dev.weft.batching.schedule;

import dev.weft.batching.kv.PagePool;
import dev.weft.batching.kv.PrefixCache;

/** Gives sequences their KV pages and takes them back; finds and registers shared ones. */
final class SequencePages {
  private final PrefixCache cache;
  private final PagePool pool;
  private final int pageTokens;

  SequencePages(PrefixCache cache) {
    this.cache = cache;
    pool = cache.pool();
    pageTokens = pool.pageTokens();
  }

  /** Computes the chain hashes of the prompt's full pages. */
  void hashPrompt(Sequence sequence) {
    long[] hashes = new long[sequence.promptTokens / pageTokens];
    long hash = PrefixCache.EMPTY_HASH;
    for (int i = 0; i < hashes.length; i++) {
      hash = PrefixCache.chainHash(hash, sequence.tokens, i * pageTokens, pageTokens);
      hashes[i] = hash;
    }
    sequence.promptHashes = hashes;
  }

  /** References the cached pages of everything but the last token, whose logits are needed. */
  void attachShared(Sequence sequence) {
    sequence.chainHash = PrefixCache.EMPTY_HASH;
    sequence.chainRegistered = true;
    int most = (sequence.length - 1) / pageTokens;
    int parent = PrefixCache.NONE;
    int index = 0;
    for (; index < most; index++) {
      long hash = pageHash(sequence, index);
      int page = cache.find(parent, hash, sequence.tokens, index * pageTokens);
      if (page == PrefixCache.NONE) {
        break;
      }
      cache.attach(page);
      sequence.addPage(page);
      sequence.chainHash = hash;
      parent = page;
    }
    sequence.chainPages = index;
    sequence.attachedPages = index;
    sequence.computed = index * pageTokens;
  }

  void countLookups(Sequence sequence) {
    cache.countLookups((sequence.length - 1) / pageTokens, sequence.attachedPages);
  }

  /** Adds pages up to the needed number or until there are none; returns how many it has. */
  int growTo(Sequence sequence, int needed) {
    int before = sequence.pages;
    while (sequence.pages < needed) {
      int page = cache.allocate();
      if (page == PrefixCache.NONE) {
        break;
      }
      sequence.addPage(page);
    }
    sequence.queue.addHeldPages(sequence, sequence.pages - before);
    return sequence.pages;
  }

  /** Makes the pages findable that the computed tokens have filled. */
  void registerFull(Sequence sequence) {
    while (sequence.chainRegistered
        && (sequence.chainPages + 1) * pageTokens <= sequence.computed) {
      int index = sequence.chainPages;
      long hash = pageHash(sequence, index);
      int parent = index == 0 ? PrefixCache.NONE : sequence.pageTable[index - 1];
      sequence.chainRegistered =
          cache.register(
              sequence.pageTable[index], parent, hash, sequence.tokens, index * pageTokens);
      sequence.chainHash = hash;
      sequence.chainPages++;
    }
  }

  void release(Sequence sequence) {
    for (int i = sequence.pages - 1; i >= 0; i--) {
      cache.release(sequence.pageTable[i]);
    }
    sequence.pages = 0;
    sequence.computed = 0;
  }

  /** Chain hash of a page, given that {@code chainHash} is that of the page before it. */
  private long pageHash(Sequence sequence, int index) {
    return index < sequence.promptHashes.length
        ? sequence.promptHashes[index]
        : PrefixCache.chainHash(
            sequence.chainHash, sequence.tokens, index * pageTokens, pageTokens);
  }
}
