package dev.weft.kernels.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/** Gives out off-heap memory up to a limit, and refuses more with numbers. Thread-safe. */
public final class MemoryBudget {
  private static final int ALIGNMENT_BYTES = 64;

  private final long limitBytes;
  private long usedBytes;

  public MemoryBudget(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  public long limitBytes() {
    return limitBytes;
  }

  public synchronized long usedBytes() {
    return usedBytes;
  }

  /**
   * Allocates zeroed memory.
   *
   * @param what what it is for, as named in the error
   * @throws MemoryBudgetException if the budget or the machine has no room
   */
  public OffHeap allocate(String what, long bytes) {
    reserve(what, bytes);
    Arena arena = Arena.ofShared();
    try {
      MemorySegment segment = arena.allocate(bytes, ALIGNMENT_BYTES);
      return new OffHeap(this, arena, segment);
    } catch (OutOfMemoryError error) {
      arena.close();
      release(bytes);
      throw new MemoryBudgetException(
          what + " needs " + mebibytes(bytes) + ", which the machine does not have", error);
    }
  }

  private synchronized void reserve(String what, long bytes) {
    if (bytes < 1 || bytes > limitBytes - usedBytes) {
      throw new MemoryBudgetException(
          String.format(
              Locale.ROOT,
              "%s needs %s, but of the off-heap budget of %s only %s are left; give the process"
                  + " more memory, or use a smaller model or KV cache",
              what,
              mebibytes(bytes),
              mebibytes(limitBytes),
              mebibytes(limitBytes - usedBytes)));
    }
    usedBytes += bytes;
  }

  synchronized void release(long bytes) {
    usedBytes -= bytes;
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (1024.0 * 1024.0));
  }
}
