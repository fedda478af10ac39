package dev.weft.kernels.kv;

import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.memory.OffHeap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Pages in off-heap memory, f32. Per layer, keys are {@code [page][kvHead][headDim][16]}: lanes run
 * over the positions of a page. Values are {@code [page][kvHead][16][valueStride]}: lanes run over
 * the elements of a head.
 */
public final class HostKvCache implements KvCache {
  private final KvLayout layout;
  private final int pages;
  private final OffHeap[] keys;
  private final OffHeap[] values;

  public HostKvCache(KvLayout layout, KvConfig config, MemoryBudget budget) {
    this.layout = layout;
    pages = config.pages();
    keys = new OffHeap[layout.layers()];
    values = new OffHeap[layout.layers()];
    long blocks = (long) pages * layout.kvHeads();
    String what = "KV cache of " + pages + " pages, layer ";
    try {
      for (int layer = 0; layer < layout.layers(); layer++) {
        keys[layer] = budget.allocate(what + layer, blocks * layout.keyBlockBytes());
        values[layer] = budget.allocate(what + layer, blocks * layout.valueBlockBytes());
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override
  public KvLayout layout() {
    return layout;
  }

  @Override
  public int pages() {
    return pages;
  }

  public MemorySegment keys(int layer) {
    return keys[layer].segment();
  }

  public MemorySegment values(int layer) {
    return values[layer].segment();
  }

  /** Byte offset of {@code [headDim][16]} keys. */
  public long keyOffset(int page, int kvHead) {
    return ((long) page * layout.kvHeads() + kvHead) * layout.keyBlockBytes();
  }

  /** Byte offset of {@code [16][valueStride]} values. */
  public long valueOffset(int page, int kvHead) {
    return ((long) page * layout.kvHeads() + kvHead) * layout.valueBlockBytes();
  }

  /**
   * Stores the key and value of one head at a position.
   *
   * @param slot place in the page, below 16
   * @param key elements from {@code keyAt} on, {@code headDim}
   * @param value elements from {@code valueAt} on, {@code headDim}
   */
  public void put(
      int layer,
      int page,
      int slot,
      int kvHead,
      float[] key,
      int keyAt,
      float[] value,
      int valueAt) {
    int headDim = layout.headDim();
    MemorySegment k = keys[layer].segment();
    long at = keyOffset(page, kvHead) + (long) slot * Float.BYTES;
    for (int d = 0; d < headDim; d++) {
      k.set(
          ValueLayout.JAVA_FLOAT,
          at + (long) d * KvConfig.PAGE_TOKENS * Float.BYTES,
          key[keyAt + d]);
    }
    MemorySegment.copy(
        value,
        valueAt,
        values[layer].segment(),
        ValueLayout.JAVA_FLOAT,
        valueOffset(page, kvHead) + (long) slot * layout.valueStride() * Float.BYTES,
        headDim);
  }

  @Override
  public void close() {
    for (int layer = 0; layer < keys.length; layer++) {
      if (keys[layer] != null) {
        keys[layer].close();
      }
      if (values[layer] != null) {
        values[layer].close();
      }
    }
  }
}
