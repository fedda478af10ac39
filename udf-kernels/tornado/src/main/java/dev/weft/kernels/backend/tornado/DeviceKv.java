package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages of keys and values on the device: f32, two f16 in a word, or four bytes in a word with an
 * f32 scale for 32 elements. Layers share an array as long as it has fewer elements than an array
 * can have; the programs of a model are made for each array.
 */
final class DeviceKv implements KvCache {
  private record Group(DeviceArray keys, DeviceArray values, Task.Scales scales) {}

  private final DeviceQueue queue;
  private final KvLayout layout;
  private final int pages;
  private final int layerWords;
  private final int layerScales;
  private final int layersOfGroup;
  private final List<Group> groups = new ArrayList<>();

  DeviceKv(DeviceQueue queue, KvLayout layout, KvConfig config, long mostArrayBytes) {
    this.queue = queue;
    this.layout = layout;
    pages = config.pages();
    long positions = (long) pages * layout.kvHeads() * KvConfig.PAGE_TOKENS;
    long words = (positions * wordsOfHead() + 31) / 32 * 32;
    long most = Math.min(Integer.MAX_VALUE / 32 * 32, mostArrayBytes / Float.BYTES);
    if (words > most) {
      throw new IllegalArgumentException(
          "the keys of one layer take %,d words for %,d pages; an array of the device has at most %,d. Take a smaller engine.kvBytes, or engine.kvFormat f16"
              .formatted(words, pages, most));
    }
    layerWords = (int) words;
    layerScales =
        layout.format() == KvFormat.Q8_0 ? Ranges.aligned(positions * blocks(layout.headDim())) : 0;
    // Before the first array: the host has one of the same size.
    queue.requireMemory("the KV cache", 2L * layout.layers() * (words + layerScales));
    layersOfGroup = (int) Math.min(layout.layers(), most / words);
    for (int first = 0; first < layout.layers(); first += layersOfGroup) {
      int layers = Math.min(layersOfGroup, layout.layers() - first);
      String name = "kv" + first;
      boolean f32 = layout.format() == KvFormat.F32;
      groups.add(
          new Group(
              queue.array(name + ".keys", f32, true, layers * layerWords),
              queue.array(name + ".values", f32, true, layers * layerWords),
              layerScales == 0
                  ? null
                  : new Task.Scales(
                      queue.array(name + ".keyScales", true, true, layers * layerScales),
                      queue.array(name + ".valueScales", true, true, layers * layerScales))));
    }
  }

  private int wordsOfHead() {
    int headDim = layout.headDim();
    return switch (layout.format()) {
      case F32 -> headDim;
      case F16 -> (headDim + 1) / 2;
      case Q8_0 -> (headDim + 3) / 4;
    };
  }

  private static int blocks(int headDim) {
    return (headDim + KvFormat.BLOCK - 1) / KvFormat.BLOCK;
  }

  private Task task(Kernel plain, Kernel packed, int layer) {
    Group group = groups.get(layer / layersOfGroup);
    return switch (layout.format()) {
      case F32 -> new Task(plain, group.keys, group.values, 0);
      case F16 -> new Task(packed, group.keys, group.values, DeviceFormat.F16);
      case Q8_0 -> new Task(packed, group.keys, group.values, group.scales, DeviceFormat.Q8);
    };
  }

  Task store(int layer) {
    return task(Kernel.ROPE_AND_STORE, Kernel.ROPE_AND_STORE_PACKED, layer);
  }

  Task attention(int layer) {
    return task(Kernel.ATTENTION, Kernel.ATTENTION_PACKED, layer);
  }

  /** Begin of a layer in its keys and in its values. */
  int begin(int layer) {
    return layer % layersOfGroup * layerWords;
  }

  /** Begin of a layer in its scales. */
  int beginOfScales(int layer) {
    return layer % layersOfGroup * layerScales;
  }

  @Override
  public KvLayout layout() {
    return layout;
  }

  @Override
  public int pages() {
    return pages;
  }

  @Override
  public void close() {
    for (Group group : groups) {
      queue.remove(group.keys);
      queue.remove(group.values);
      if (group.scales != null) {
        queue.remove(group.scales.keys());
        queue.remove(group.scales.values());
      }
    }
    groups.clear();
  }
}
