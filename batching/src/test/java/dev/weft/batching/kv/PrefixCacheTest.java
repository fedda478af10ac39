package dev.weft.batching.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
  private static final int PAGE = 2;

  private final PagePool pool = new PagePool(4, PAGE);
  private final PrefixCache cache = new PrefixCache(pool);

  /** Takes and registers the pages of a prompt of whole pages. */
  private int[] store(int... tokens) {
    int[] pages = new int[tokens.length / PAGE];
    int parent = PrefixCache.NONE;
    long hash = PrefixCache.EMPTY_HASH;
    for (int i = 0; i < pages.length; i++) {
      hash = PrefixCache.chainHash(hash, tokens, i * PAGE, PAGE);
      int page = cache.find(parent, hash, tokens, i * PAGE);
      if (page == PrefixCache.NONE) {
        page = cache.allocate();
        assertThat(page).isNotEqualTo(PrefixCache.NONE);
        assertThat(cache.register(page, parent, hash, tokens, i * PAGE)).isTrue();
      } else {
        cache.attach(page);
      }
      pages[i] = page;
      parent = page;
    }
    return pages;
  }

  private void release(int[] pages) {
    for (int i = pages.length - 1; i >= 0; i--) {
      cache.release(pages[i]);
    }
  }

  private int cachedPagesOf(int... tokens) {
    int parent = PrefixCache.NONE;
    long hash = PrefixCache.EMPTY_HASH;
    int found = 0;
    for (int i = 0; i < tokens.length / PAGE; i++) {
      hash = PrefixCache.chainHash(hash, tokens, i * PAGE, PAGE);
      parent = cache.find(parent, hash, tokens, i * PAGE);
      if (parent == PrefixCache.NONE) {
        break;
      }
      found++;
    }
    return found;
  }

  @Test
  void releasedPagesStayFindableUntilRoomIsNeeded() {
    release(store(1, 2, 3, 4));
    assertThat(pool.usedPages()).isZero();
    assertThat(cache.cachedPages()).isEqualTo(2);
    assertThat(cache.availablePages()).isEqualTo(4);
    assertThat(cachedPagesOf(1, 2, 3, 4)).isEqualTo(2);
    int[] others = store(5, 6, 7, 8, 9, 10);
    assertThat(cachedPagesOf(1, 2, 3, 4)).as("the leaf went, the root stays").isEqualTo(1);
    release(others);
  }

  @Test
  void leavesGoBeforeParentsAndTheLeastRecentlyUsedFirst() {
    release(store(1, 2, 3, 4));
    release(store(5, 6, 7, 8));
    release(store(1, 2));
    int[] one = store(9, 9);
    assertThat(cachedPagesOf(1, 2, 3, 4)).as("older leaf").isEqualTo(1);
    assertThat(cachedPagesOf(5, 6, 7, 8)).isEqualTo(2);
    int[] two = store(8, 8);
    assertThat(cachedPagesOf(5, 6, 7, 8)).isEqualTo(1);
    assertThat(cachedPagesOf(1, 2)).as("used after it").isEqualTo(1);
    assertThat(cache.evictions()).isEqualTo(2);
    release(one);
    release(two);
  }

  @Test
  void pagesThatPlannedRequestsNeedGoLast() {
    long wanted = PrefixCache.chainHash(PrefixCache.EMPTY_HASH, new int[] {1, 2}, 0, PAGE);
    Set<Long> needed = new HashSet<>();
    release(store(1, 2));
    cache.follow(hash -> needed.contains(hash) ? 7 : NextUse.NEVER);
    needed.add(wanted);
    release(store(3, 4));
    release(store(5, 6));
    int[] three = store(10, 11, 12, 13, 14, 15);
    assertThat(cachedPagesOf(1, 2)).isEqualTo(1);
    needed.clear();
    int[] last = store(16, 17);
    assertThat(cachedPagesOf(1, 2)).isZero();
    assertThat(cache.allocate()).as("all in use").isEqualTo(PrefixCache.NONE);
    release(three);
    release(last);
  }

  @Test
  void ofPagesThatAreNeededTheLatestGoesFirst() {
    Map<Long, Long> turns = new HashMap<>();
    cache.follow(hash -> turns.getOrDefault(hash, NextUse.NEVER));
    for (int first = 1; first <= 4; first++) {
      int[] content = {first, first};
      turns.put(
          PrefixCache.chainHash(PrefixCache.EMPTY_HASH, content, 0, PAGE), (long) (first * 37 % 5));
      release(store(content));
    }
    // Turns 2, 4, 1, 3: the page needed in turn 4 goes, then that of 3.
    release(store(8, 8));
    assertThat(cachedPagesOf(2, 2)).isZero();
    assertThat(cachedPagesOf(4, 4)).isEqualTo(1);
    int[] held = store(9, 9, 10, 10);
    assertThat(cachedPagesOf(4, 4)).isZero();
    assertThat(cachedPagesOf(1, 1)).isEqualTo(1);
    assertThat(cachedPagesOf(3, 3)).isEqualTo(1);
    release(held);
  }

  @Test
  void aHashCollisionIsNotAHit() {
    int[] pages = store(1, 2);
    long hash = PrefixCache.chainHash(PrefixCache.EMPTY_HASH, new int[] {1, 2}, 0, PAGE);
    assertThat(cache.find(PrefixCache.NONE, hash, new int[] {1, 3}, 0)).isEqualTo(-1);
    assertThat(cache.find(pages[0], hash, new int[] {1, 2}, 0)).isEqualTo(-1);
    assertThat(cache.find(PrefixCache.NONE, hash, new int[] {1, 2}, 0)).isEqualTo(pages[0]);
  }

  @Test
  void theSameContentIsRegisteredOnce() {
    store(1, 2);
    long hash = PrefixCache.chainHash(PrefixCache.EMPTY_HASH, new int[] {1, 2}, 0, PAGE);
    int twin = cache.allocate();
    assertThat(cache.register(twin, PrefixCache.NONE, hash, new int[] {1, 2}, 0)).isFalse();
    cache.release(twin);
    assertThat(pool.freePages()).isEqualTo(3);
    assertThatThrownBy(() -> cache.release(twin)).hasMessageContaining("page " + twin);
  }

  @Test
  void underRandomUseContentsNeverMixAndNoPageIsLost() {
    for (int round = 0; round < 30; round++) {
      long seed = 900 + round;
      Random random = new Random(seed);
      playRandomly(
          new PrefixCache(new PagePool(1 + random.nextInt(40), PAGE)), random, "seed " + seed);
    }
  }

  private static void playRandomly(PrefixCache randomCache, Random r, String label) {
    PagePool random = randomCache.pool();
    Map<Integer, List<Integer>> contents = new HashMap<>();
    List<int[]> held = new ArrayList<>();
    for (int step = 0; step < 2_000; step++) {
      if (!held.isEmpty() && r.nextInt(3) == 0) {
        int[] pages = held.remove(r.nextInt(held.size()));
        for (int i = pages.length - 1; i >= 0; i--) {
          randomCache.release(pages[i]);
        }
        continue;
      }
      int count = 1 + r.nextInt(4);
      int[] tokens = new int[count * PAGE];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = r.nextInt(2);
      }
      List<Integer> pages = new ArrayList<>();
      int parent = PrefixCache.NONE;
      long hash = PrefixCache.EMPTY_HASH;
      for (int i = 0; i < count; i++) {
        hash = PrefixCache.chainHash(hash, tokens, i * PAGE, PAGE);
        List<Integer> prefix = new ArrayList<>();
        for (int t = 0; t < (i + 1) * PAGE; t++) {
          prefix.add(tokens[t]);
        }
        int page = randomCache.find(parent, hash, tokens, i * PAGE);
        if (page != PrefixCache.NONE) {
          assertThat(contents.get(page)).as(label).isEqualTo(prefix);
          randomCache.attach(page);
        } else {
          page = randomCache.allocate();
          if (page == PrefixCache.NONE) {
            assertThat(random.usedPages()).as(label).isEqualTo(random.pages());
            break;
          }
          assertThat(random.references(page)).as(label).isEqualTo(1);
          contents.put(page, prefix);
          assertThat(randomCache.register(page, parent, hash, tokens, i * PAGE)).isTrue();
        }
        pages.add(page);
        parent = page;
      }
      held.add(pages.stream().mapToInt(p -> p).toArray());
      assertThat(randomCache.availablePages())
          .as(label)
          .isEqualTo(random.freePages() + randomCache.cachedPages());
    }
    for (int[] pages : held) {
      for (int i = pages.length - 1; i >= 0; i--) {
        randomCache.release(pages[i]);
      }
    }
    assertThat(random.usedPages()).as(label).isZero();
    for (int page = 0; page < random.pages(); page++) {
      assertThat(randomCache.allocate()).as(label + ": every page can be had").isNotEqualTo(-1);
    }
  }
}
