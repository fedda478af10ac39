package dev.weft.kernels.backend.tornado;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * Parts of a device array that belong to objects of the host, by identity. When the garbage
 * collector takes an object, its part is free again.
 */
final class WeakPlaces<T> {
  private static final class Owner<T> extends WeakReference<T> {
    private final int hash;

    Owner(T object, ReferenceQueue<T> gone) {
      super(object, gone);
      hash = System.identityHashCode(object);
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public boolean equals(Object other) {
      return this == other || other instanceof Owner<?> o && get() != null && get() == o.get();
    }
  }

  private record Place(int at, int count) {}

  private final DeviceQueue queue;
  private final DeviceArray array;
  private final ReferenceQueue<T> gone = new ReferenceQueue<>();
  private final Map<Owner<T>, Place> places = new HashMap<>();

  WeakPlaces(DeviceQueue queue, DeviceArray array) {
    this.queue = queue;
    this.array = array;
  }

  /** A part of that many elements; before the array grows, garbage is looked for. */
  int take(int count) {
    release();
    if (!array.has(count)) {
      System.gc();
      release();
    }
    return queue.take(array, count);
  }

  /** A part belongs to an object from now on. */
  void hold(T owner, int at, int count) {
    places.put(new Owner<>(owner, gone), new Place(at, count));
  }

  /** The part of an object; a new one is filled first. */
  int of(T owner, int count, IntConsumer fill) {
    Place known = places.get(new Owner<>(owner, null));
    if (known != null) {
      return known.at;
    }
    int at = take(count);
    fill.accept(at);
    hold(owner, at, count);
    return at;
  }

  private void release() {
    boolean flushed = false;
    for (Reference<? extends T> r = gone.poll(); r != null; r = gone.poll()) {
      Place place = places.remove(r);
      if (place != null) {
        if (!flushed) {
          // What waits may still use it.
          queue.flush();
          flushed = true;
        }
        array.give(place.at, place.count);
      }
    }
  }
}
