package dev.weft.kernels.backend.tornado;

import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/** Which elements of an array are taken. First fit; every range begins at a multiple of 32. */
final class Ranges {
  private static final int ALIGN = 32;

  private final TreeMap<Integer, Integer> free = new TreeMap<>();
  private int size;

  /** Begins of free ranges and their lengths; {@code size} elements in all. */
  Ranges(int size) {
    this.size = size;
    free.put(0, size);
  }

  int size() {
    return size;
  }

  static int aligned(long count) {
    return Math.toIntExact((Math.max(1, count) + ALIGN - 1) / ALIGN * ALIGN);
  }

  /** Begin of a range of {@code count} elements, if one is free. */
  OptionalInt take(int count) {
    int wanted = aligned(count);
    for (Map.Entry<Integer, Integer> range : free.entrySet()) {
      if (range.getValue() >= wanted) {
        int at = range.getKey();
        int left = range.getValue() - wanted;
        free.remove(at);
        if (left > 0) {
          free.put(at + wanted, left);
        }
        return OptionalInt.of(at);
      }
    }
    return OptionalInt.empty();
  }

  /** Gives back a range that was taken with this count. */
  void give(int at, int count) {
    add(at, aligned(count));
  }

  /** Makes the array larger. */
  void grow(int newSize) {
    int before = size;
    size = newSize;
    add(before, newSize - before);
  }

  private void add(int at, int length) {
    int begin = at;
    int end = at + length;
    Map.Entry<Integer, Integer> lower = free.floorEntry(begin);
    if (lower != null && lower.getKey() + lower.getValue() == begin) {
      begin = lower.getKey();
      free.remove(begin);
    }
    Integer higher = free.remove(end);
    free.put(begin, end + (higher == null ? 0 : higher) - begin);
  }
}
