package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.memory.MemoryBudget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KvPagesTest {
  private static final int PAGE = KvConfig.PAGE_TOKENS;
  private static final int[] HEAD_DIMS = {7, 16, 20, 33, 64, 80, 96, 128};

  /**
   * Elements that cannot be stored as they are: what they are read as must not look like a number.
   */
  private static final float[] ODD = {
    Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f, -0f, 1e-7f, 65504f, 1e-30f
  };

  /** Pages as kernels see them hold the bits of the reference decoder. */
  @ParameterizedTest
  @EnumSource(KvFormat.class)
  void pagesAreThoseOfTheReference(KvFormat format) {
    long seed = new Random().nextLong();
    System.out.println("KvPagesTest seed " + seed);
    Random random = new Random(seed);
    for (int headDim : HEAD_DIMS) {
      KvLayout layout = new KvLayout(1, 2, headDim, format);
      MemoryBudget budget = new MemoryBudget(1 << 24);
      try (Arena arena = Arena.ofShared();
          HostKvCache cache = new HostKvCache(layout, new KvConfig(3), budget)) {
        fill(cache, random);
        MemorySegment room = arena.allocate(Math.max(1, KvPages.roomBytes(layout)), 64);
        KvPages pages = new KvPages(layout, room);
        int[] order = {2, 0, 1};
        int vectors = order.length * KvPages.VECTORS;
        for (int first = 0; first < vectors; first++) {
          int second = Math.min(first + 1, vectors - 1);
          pages.keys(cache, 0, 1, order, first, second);
          checkKeys(cache, pages.keys, pages.firstKey, order, first, seed);
          checkKeys(cache, pages.keys, pages.secondKey, order, second, seed);
        }
        for (int page : order) {
          int count = 1 + random.nextInt(PAGE);
          pages.values(cache, 0, 1, page, count);
          for (int slot = 0; slot < count; slot++) {
            for (int d = 0; d < headDim; d++) {
              long at = pages.firstValue + ((long) slot * layout.valueStride() + d) * Float.BYTES;
              float actual = pages.values.get(ValueLayout.JAVA_FLOAT, at);
              same(actual, cache.value(0, page, slot, 1, d), "value", slot, d, seed);
            }
          }
        }
      }
    }
  }

  private static void fill(HostKvCache cache, Random random) {
    int headDim = cache.layout().headDim();
    float[] x = new float[2 * headDim];
    for (int page = 0; page < cache.pages(); page++) {
      for (int slot = 0; slot < PAGE; slot++) {
        for (int i = 0; i < x.length; i++) {
          x[i] =
              random.nextInt(50) == 0
                  ? ODD[random.nextInt(ODD.length)]
                  : (float) random.nextGaussian() * 3;
        }
        for (int head = 0; head < 2; head++) {
          cache.put(0, page, slot, head, x, 0, x, headDim);
        }
        for (int d = 0; d < headDim; d++) {
          if (!Float.isFinite(x[d])) {
            assertThat(Float.isFinite(cache.key(0, page, slot, 0, d))).isFalse();
          }
        }
      }
    }
  }

  private static void checkKeys(
      HostKvCache cache, MemorySegment keys, long from, int[] order, int vector, long seed) {
    int page = order[vector / KvPages.VECTORS];
    for (int d = 0; d < cache.layout().headDim(); d++) {
      for (int lane = 0; lane < Lanes.COUNT; lane++) {
        int slot = vector % KvPages.VECTORS * Lanes.COUNT + lane;
        long at = from + ((long) d * PAGE + lane) * Float.BYTES;
        float actual = keys.get(ValueLayout.JAVA_FLOAT, at);
        same(actual, cache.key(0, page, slot, 1, d), "key", slot, d, seed);
      }
    }
  }

  /** Infinities and NaN may take each other's place. */
  private static void same(float actual, float expected, String what, int slot, int d, long seed) {
    if (Float.isFinite(expected)) {
      assertThat(actual)
          .as("%s %d of position %d, seed %d", what, d, slot, seed)
          .isEqualTo(expected);
    } else {
      assertThat(Float.isFinite(actual)).isFalse();
    }
  }
}
