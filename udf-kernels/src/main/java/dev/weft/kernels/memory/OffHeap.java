package dev.weft.kernels.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A piece of zeroed, 64-byte aligned off-heap memory; closing it frees it and its budget. */
public final class OffHeap implements AutoCloseable {
  private final MemoryBudget budget;
  private final Arena arena;
  private final MemorySegment segment;

  OffHeap(MemoryBudget budget, Arena arena, MemorySegment segment) {
    this.budget = budget;
    this.arena = arena;
    this.segment = segment;
  }

  /** Usable by all threads until closed. */
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      long bytes = segment.byteSize();
      arena.close();
      budget.release(bytes);
    }
  }
}
