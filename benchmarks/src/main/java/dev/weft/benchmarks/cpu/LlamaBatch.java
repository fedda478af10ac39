package dev.weft.benchmarks.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/** The tokens of one {@code llama_decode}, in native memory and used again. Not thread-safe. */
final class LlamaBatch implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final int capacity;
  private final MemorySegment tokens;
  private final MemorySegment positions;
  private final MemorySegment counts;
  private final MemorySegment sequences;
  private final MemorySegment sequenceOf;
  private final MemorySegment logits;
  private final MemorySegment struct;
  private int size;

  LlamaBatch(int capacity) {
    this.capacity = capacity;
    tokens = arena.allocate(JAVA_INT, capacity);
    positions = arena.allocate(JAVA_INT, capacity);
    counts = arena.allocate(JAVA_INT, capacity);
    sequences = arena.allocate(JAVA_INT, capacity);
    sequenceOf = arena.allocate(ADDRESS, capacity);
    logits = arena.allocate(JAVA_BYTE, capacity);
    struct = arena.allocate(LlamaLayouts.BATCH);
    for (int i = 0; i < capacity; i++) {
      counts.setAtIndex(JAVA_INT, i, 1);
      sequenceOf.setAtIndex(ADDRESS, i, sequences.asSlice(4L * i, 4));
    }
  }

  void clear() {
    size = 0;
  }

  int size() {
    return size;
  }

  int capacity() {
    return capacity;
  }

  /** Adds a token of a sequence. */
  void add(int token, int position, int sequence, boolean wantsLogits) {
    if (size == capacity) {
      throw new IllegalStateException("a batch for " + capacity + " tokens is full");
    }
    tokens.setAtIndex(JAVA_INT, size, token);
    positions.setAtIndex(JAVA_INT, size, position);
    sequences.setAtIndex(JAVA_INT, size, sequence);
    logits.set(JAVA_BYTE, size, (byte) (wantsLogits ? 1 : 0));
    size++;
  }

  boolean wantsLogits(int index) {
    return logits.get(JAVA_BYTE, index) == 1;
  }

  /** The tokens {@code from <= i < from + count} as llama.cpp takes them. */
  MemorySegment struct(int from, int count) {
    StructLayout layout = LlamaLayouts.BATCH;
    struct.set(JAVA_INT, LlamaLayouts.offset(layout, "n_tokens"), count);
    pointer("token", tokens.asSlice(4L * from));
    pointer("embd", MemorySegment.NULL);
    pointer("pos", positions.asSlice(4L * from));
    pointer("n_seq_id", counts.asSlice(4L * from));
    pointer("seq_id", sequenceOf.asSlice(ADDRESS.byteSize() * from));
    pointer("logits", logits.asSlice(from));
    return struct;
  }

  private void pointer(String field, MemorySegment value) {
    struct.set(ADDRESS, LlamaLayouts.offset(LlamaLayouts.BATCH, field), value);
  }

  @Override
  public void close() {
    arena.close();
  }
}
