package dev.weft.kernels.memory;

import java.lang.foreign.MemorySegment;

/** A piece of zeroed, 64-byte aligned off-heap memory; closing it gives it back to its budget. */
public final class OffHeap implements AutoCloseable {
  private final MemoryBudget budget;
  private final Slab slab;
  private final MemorySegment segment;
  private boolean closed;

  OffHeap(MemoryBudget budget, Slab slab, MemorySegment segment) {
    this.budget = budget;
    this.slab = slab;
    this.segment = segment;
  }

  /** Usable by all threads until closed. */
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      budget.release(slab, segment.byteSize());
    }
  }
}
