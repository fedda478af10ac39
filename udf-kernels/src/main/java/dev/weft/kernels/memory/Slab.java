package dev.weft.kernels.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory that serves many small pieces, so that they share huge pages; freed with the last one. */
final class Slab {
  private static final long ALIGNMENT_BYTES = 64;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private long used;
  private int pieces;

  Slab(long bytes) {
    MemorySegment allocated = null;
    try {
      if (bytes >= HugePages.PAGE_BYTES) {
        allocated = HugePages.allocate(arena, bytes).orElse(null);
      }
      memory = allocated != null ? allocated : arena.allocate(bytes, ALIGNMENT_BYTES);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  boolean fits(long bytes) {
    return bytes <= memory.byteSize() - used;
  }

  MemorySegment take(long bytes) {
    MemorySegment piece = memory.asSlice(used, bytes, ALIGNMENT_BYTES);
    used += Math.ceilDiv(bytes, ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    used = Math.min(used, memory.byteSize());
    pieces++;
    return piece;
  }

  /** Gives one piece back; its memory is not used again. */
  boolean giveBack() {
    pieces--;
    if (pieces == 0) {
      arena.close();
      return true;
    }
    return false;
  }
}
