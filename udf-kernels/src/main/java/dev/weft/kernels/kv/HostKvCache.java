package dev.weft.kernels.kv;

import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.memory.OffHeap;
import java.lang.foreign.MemorySegment;

/**
 * Pages in off-heap memory. Per layer, keys and values are {@code [page][kvHead]} blocks of the
 * layout's {@link KvFormat}.
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

  /** Byte offset of the keys of a head in a page. */
  public long keyOffset(int page, int kvHead) {
    return ((long) page * layout.kvHeads() + kvHead) * layout.keyBlockBytes();
  }

  /** Byte offset of the values of a head in a page. */
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
    KvFormat format = layout.format();
    int headDim = layout.headDim();
    format.putKey(keys(layer), keyOffset(page, kvHead), slot, key, keyAt, headDim);
    format.putValue(
        values(layer),
        valueOffset(page, kvHead),
        slot,
        value,
        valueAt,
        headDim,
        layout.valueStride());
  }

  /** Element {@code d} of the key of one head at a position, decoded. */
  public float key(int layer, int page, int slot, int kvHead, int d) {
    return layout.format().key(keys(layer), keyOffset(page, kvHead), slot, d, layout.headDim());
  }

  /** Element {@code d} of the value of one head at a position, decoded. */
  public float value(int layer, int page, int slot, int kvHead, int d) {
    return layout
        .format()
        .value(values(layer), valueOffset(page, kvHead), slot, d, layout.valueStride());
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
