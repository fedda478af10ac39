package dev.weft.kernels.memory;

import java.util.Locale;

/** Gives out off-heap memory up to a limit, and refuses more with numbers. Thread-safe. */
public final class MemoryBudget {
  /** Small pieces come from slabs of this size; the last slab may be part empty. */
  private static final long SLAB_BYTES = 32L << 20;

  private final long limitBytes;
  private long usedBytes;
  private Slab current;

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
  public synchronized OffHeap allocate(String what, long bytes) {
    reserve(what, bytes);
    try {
      if (bytes > SLAB_BYTES / 4) {
        var own = new Slab(bytes);
        return new OffHeap(this, own, own.take(bytes));
      }
      if (current == null || !current.fits(bytes)) {
        current = new Slab(SLAB_BYTES);
      }
      return new OffHeap(this, current, current.take(bytes));
    } catch (OutOfMemoryError error) {
      usedBytes -= bytes;
      throw new MemoryBudgetException(
          what + " needs " + mebibytes(bytes) + ", which the machine does not have", error);
    }
  }

  private void reserve(String what, long bytes) {
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

  synchronized void release(Slab slab, long bytes) {
    usedBytes -= bytes;
    if (slab.giveBack() && slab == current) {
      current = null;
    }
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (1024.0 * 1024.0));
  }
}
