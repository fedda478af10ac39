package dev.weft.kernels.backend.vector;

import static dev.weft.kernels.backend.vector.Lanes.BYTES;
import static dev.weft.kernels.backend.vector.Lanes.F;
import static dev.weft.kernels.backend.vector.Lanes.I;
import static dev.weft.kernels.backend.vector.Lanes.MEMORY;
import static dev.weft.kernels.backend.vector.Lanes.ORDER;

import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Pages of a head as the kernels of attention read them, f32: keys {@code [headDim][16]}, values
 * {@code [16][valueStride]}. Those of an f32 cache are read where they are; others are decoded into
 * the room of one worker, for all queries of a block.
 */
final class KvPages {
  private static final int PAGE = KvConfig.PAGE_TOKENS;

  /** Vectors of positions in a page. */
  static final int VECTORS = PAGE / Lanes.COUNT;

  /** Bytes of 16 lanes. */
  private static final int LINE = PAGE * Float.BYTES;

  /** What decoding may write beyond an end: elements of half a chunk. */
  private static final int SLACK = 4 * LINE;

  private static final float MAGIC = 0x1p23f;
  private static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);

  private final MemorySegment room;
  private final long secondKeys;
  private final long valuesRoom;

  /** Keys of the two vectors chosen last: where, and the byte offsets of their first elements. */
  MemorySegment keys;

  long firstKey;
  long secondKey;

  /** Values of the page chosen last: where, and the byte offset of its first position. */
  MemorySegment values;

  long firstValue;

  /**
   * @param room of {@link #roomBytes}; anything for f32
   */
  KvPages(KvLayout layout, MemorySegment room) {
    this.room = room;
    secondKeys = keyRoom(layout);
    valuesRoom = 2 * secondKeys;
  }

  /** Bytes of a worker's room. */
  static long roomBytes(KvLayout layout) {
    return layout.format() == KvFormat.F32
        ? 0
        : 2 * keyRoom(layout) + (long) PAGE * layout.valueStride() * Float.BYTES + SLACK;
  }

  private static long keyRoom(KvLayout layout) {
    return (layout.headDim() + 3L) / 4 * 4 * LINE;
  }

  /** Chooses the keys of two vectors of positions of a sequence. */
  void keys(HostKvCache cache, int layer, int kvHead, int[] pages, int first, int second) {
    MemorySegment all = cache.keys(layer);
    long firstBlock = cache.keyOffset(pages[first / VECTORS], kvHead);
    long secondBlock = cache.keyOffset(pages[second / VECTORS], kvHead);
    keys = all;
    KvLayout layout = cache.layout();
    if (layout.format() != KvFormat.F32) {
      long source = Lanes.address(all);
      long target = Lanes.address(room);
      decodeKeys(layout, source + firstBlock, target);
      if (secondBlock == firstBlock) {
        secondBlock = 0;
      } else {
        decodeKeys(layout, source + secondBlock, target + secondKeys);
        secondBlock = secondKeys;
      }
      firstBlock = 0;
      keys = room;
    }
    firstKey = firstBlock + (long) (first % VECTORS) * BYTES;
    secondKey = secondBlock + (long) (second % VECTORS) * BYTES;
  }

  /** Chooses the values of the first {@code count} positions of a page. */
  void values(HostKvCache cache, int layer, int kvHead, int page, int count) {
    KvLayout layout = cache.layout();
    values = cache.values(layer);
    firstValue = cache.valueOffset(page, kvHead);
    if (layout.format() != KvFormat.F32) {
      long source = Lanes.address(values) + firstValue;
      decodeValues(layout, source, count, Lanes.address(room) + valuesRoom);
      values = room;
      firstValue = valuesRoom;
    }
  }

  private static void decodeKeys(KvLayout layout, long from, long to) {
    int lines = layout.headDim();
    if (layout.format() == KvFormat.F16) {
      for (int line = 0; line < (lines + 1) / 2; line++) {
        halves(from + (long) line * LINE, to + 2L * line * LINE);
      }
      return;
    }
    long scales = from + (lines + 3L) / 4 * LINE;
    int perBlock = KvFormat.BLOCK / 4;
    for (int line = 0; line < (lines + 3) / 4; line++) {
      long scale = scales + (long) (line / perBlock) * LINE;
      for (int lane = 0; lane < LINE; lane += BYTES) {
        FloatVector s = FloatVector.fromMemorySegment(F, MEMORY, scale + lane, ORDER);
        IntVector four =
            IntVector.fromMemorySegment(I, MEMORY, from + (long) line * LINE + lane, ORDER);
        bytes(four, s, s, to + 4L * line * LINE + lane);
      }
    }
  }

  private static void decodeValues(KvLayout layout, long from, int count, long to) {
    int stride = layout.valueStride();
    if (layout.format() == KvFormat.F16) {
      int chunks = (stride + 31) / 32;
      for (int slot = 0; slot < count; slot++) {
        for (int c = 0; c < chunks; c++) {
          long row = to + ((long) slot * stride + 32L * c) * Float.BYTES;
          halves(from + ((long) slot * chunks + c) * LINE, row);
        }
      }
      return;
    }
    int chunks = (stride + 63) / 64;
    int blocks = (stride + KvFormat.BLOCK - 1) / KvFormat.BLOCK;
    long scales = from + (long) PAGE * chunks * LINE;
    for (int slot = 0; slot < count; slot++) {
      for (int c = 0; c < chunks; c++) {
        long scale = scales + ((long) slot * blocks + 2L * c) * Float.BYTES;
        float low = MEMORY.get(ValueLayout.JAVA_FLOAT, scale);
        float high =
            2 * c + 1 < blocks ? MEMORY.get(ValueLayout.JAVA_FLOAT, scale + Float.BYTES) : 0f;
        FloatVector lows = FloatVector.broadcast(F, low);
        FloatVector highs = FloatVector.broadcast(F, high);
        long row = to + ((long) slot * stride + 64L * c) * Float.BYTES;
        for (int lane = 0; lane < LINE; lane += BYTES) {
          long at = from + ((long) slot * chunks + c) * LINE + lane;
          IntVector four = IntVector.fromMemorySegment(I, MEMORY, at, ORDER);
          bytes(four, lows, highs, row + lane);
        }
      }
    }
  }

  /**
   * Two lines of f16. Infinities and NaN become infinities: as numbers of 2^16 and more they exceed
   * the largest f32 when multiplied by 2^112 once more.
   */
  private static void halves(long from, long to) {
    for (int lane = 0; lane < LINE; lane += BYTES) {
      IntVector pair = IntVector.fromMemorySegment(I, MEMORY, from + lane, ORDER);
      IntVector low = pair.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
      IntVector high = pair.lanewise(VectorOperators.ASHR, 3);
      half(low).intoMemorySegment(MEMORY, to + lane, ORDER);
      half(high).intoMemorySegment(MEMORY, to + LINE + lane, ORDER);
    }
  }

  private static FloatVector half(IntVector places) {
    return places
        .and(PackedF16.PLACES)
        .reinterpretAsFloats()
        .mul(0x1p112f)
        .mul(0x1p112f)
        .mul(0x1p-112f);
  }

  /** Four lines of bytes, the first two with one scale, the others with another. */
  private static void bytes(IntVector four, FloatVector low, FloatVector high, long to) {
    one(four).mul(low).intoMemorySegment(MEMORY, to, ORDER);
    one(four.lanewise(VectorOperators.LSHR, 8))
        .mul(low)
        .intoMemorySegment(MEMORY, to + LINE, ORDER);
    one(four.lanewise(VectorOperators.LSHR, 16))
        .mul(high)
        .intoMemorySegment(MEMORY, to + 2 * LINE, ORDER);
    one(four.lanewise(VectorOperators.LSHR, 24))
        .mul(high)
        .intoMemorySegment(MEMORY, to + 3 * LINE, ORDER);
  }

  private static FloatVector one(IntVector bytes) {
    return bytes.and(0xff).or(MAGIC_BITS).reinterpretAsFloats().sub(MAGIC + 128);
  }
}
