package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages of keys and values on the device, as f32. Layers share an array as long as it has fewer
 * elements than an array can have; the programs of a model are made for each array.
 */
final class DeviceKv implements KvCache {
  private record Group(DeviceArray keys, DeviceArray values) {}

  private final DeviceQueue queue;
  private final KvLayout layout;
  private final int pages;
  private final int layerElements;
  private final int layersOfGroup;
  private final List<Group> groups = new ArrayList<>();

  DeviceKv(DeviceQueue queue, KvLayout layout, KvConfig config, long mostArrayBytes) {
    if (layout.format() != KvFormat.F32) {
      throw new IllegalArgumentException(
          "backend tornado keeps keys and values as f32; engine.kvFormat is "
              + layout.format().label());
    }
    this.queue = queue;
    this.layout = layout;
    pages = config.pages();
    long most = Math.min(Integer.MAX_VALUE / 32 * 32, mostArrayBytes / Float.BYTES);
    long layer =
        Ranges.aligned((long) pages * layout.kvHeads() * layout.headDim() * KvConfig.PAGE_TOKENS);
    if (layer > most) {
      throw new IllegalArgumentException(
          "the keys of one layer have %,d elements for %,d pages; an array of the device has at most %,d. Take a smaller engine.kvBytes"
              .formatted(layer, pages, most));
    }
    layerElements = (int) layer;
    layersOfGroup = (int) Math.min(layout.layers(), most / layer);
    for (int first = 0; first < layout.layers(); first += layersOfGroup) {
      int layers = Math.min(layersOfGroup, layout.layers() - first);
      String name = "kv" + first;
      groups.add(
          new Group(
              queue.array(name + ".keys", true, true, layers * layerElements),
              queue.array(name + ".values", true, true, layers * layerElements)));
    }
  }

  /** The task of a kernel over the pages of a layer. */
  DeviceQueue.Task task(Kernel kernel, int layer) {
    Group group = groups.get(layer / layersOfGroup);
    return new DeviceQueue.Task(kernel, group.keys, group.values, 0);
  }

  /** Begin of a layer in its arrays. */
  int begin(int layer) {
    return layer % layersOfGroup * layerElements;
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
    }
    groups.clear();
  }
}
