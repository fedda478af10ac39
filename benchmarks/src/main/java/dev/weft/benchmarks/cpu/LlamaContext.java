package dev.weft.benchmarks.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.weft.benchmarks.measure.PeerException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/** A context of llama.cpp: threads and KV cells for a number of sequences. Not thread-safe. */
final class LlamaContext implements AutoCloseable {
  private static final StructLayout PARAMS = LlamaLayouts.CONTEXT_PARAMS;

  /** No room in the KV cells in one piece; a smaller batch may fit. */
  private static final int NO_SLOT = 1;

  /**
   * What is set; all else is as llama.cpp has it.
   *
   * @param cells tokens whose keys and values fit, of all sequences together
   * @param sequences sequences at the same time
   * @param batchTokens most tokens of one decode
   * @param atOnce most tokens of them that are computed at once
   * @param defragment part of holes in the cells from which on they are moved together; below 0 for
   *     never, the library's default
   * @param keyValueType number of the type of keys and values; f16 is the library's default
   */
  record Options(
      int threads,
      int cells,
      int sequences,
      int batchTokens,
      int atOnce,
      boolean flashAttention,
      float defragment,
      int keyValueType) {
    Options(int threads, int cells, int sequences, int batchTokens, boolean flashAttention) {
      this(
          threads,
          cells,
          sequences,
          batchTokens,
          batchTokens,
          flashAttention,
          -1,
          LlamaLayouts.F16);
    }
  }

  private final LlamaLibrary library;
  private final int vocabSize;
  private MemorySegment context;

  /** {@link LlamaModelFile#context} makes it. */
  LlamaContext(LlamaLibrary library, MemorySegment model, int vocabSize, Options options)
      throws PeerException {
    this.library = library;
    this.vocabSize = vocabSize;
    try (Arena arena = Arena.ofConfined()) {
      SegmentAllocator allocator = arena;
      MemorySegment params = (MemorySegment) library.contextDefaults.invokeExact(allocator);
      set(params, "n_ctx", options.cells);
      set(params, "n_batch", options.batchTokens);
      set(params, "n_ubatch", options.atOnce);
      set(params, "n_seq_max", options.sequences);
      set(params, "n_threads", options.threads);
      set(params, "n_threads_batch", options.threads);
      set(params, "type_k", options.keyValueType);
      set(params, "type_v", options.keyValueType);
      params.set(JAVA_FLOAT, LlamaLayouts.offset(PARAMS, "defrag_thold"), options.defragment);
      params.set(
          JAVA_BYTE,
          LlamaLayouts.offset(PARAMS, "flash_attn"),
          (byte) (options.flashAttention ? 1 : 0));
      context = (MemorySegment) library.newContext.invokeExact(model, params);
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_init_from_model", e);
    }
    if (context.equals(MemorySegment.NULL)) {
      throw new PeerException(
          "llama.cpp made no context of " + options + ": " + LlamaLibrary.lastError());
    }
  }

  private static void set(MemorySegment params, String field, int value) {
    params.set(JAVA_INT, LlamaLayouts.offset(PARAMS, field), value);
  }

  /**
   * Computes a whole batch, of at most the context's batch tokens. Logits are of this batch until
   * the next call.
   */
  void decode(LlamaBatch batch) throws PeerException {
    int code = tryDecode(batch, 0, batch.size());
    if (code != 0) {
      throw new PeerException(
          "llama_decode gave "
              + code
              + " for "
              + batch.size()
              + " tokens: "
              + LlamaLibrary.lastError());
    }
  }

  /** Computes a part of a batch; false if the KV cells have no room for it in one piece. */
  boolean fits(LlamaBatch batch, int from, int count) throws PeerException {
    int code = tryDecode(batch, from, count);
    if (code != 0 && code != NO_SLOT) {
      throw new PeerException("llama_decode gave " + code + ": " + LlamaLibrary.lastError());
    }
    return code == 0;
  }

  private int tryDecode(LlamaBatch batch, int from, int count) throws PeerException {
    try {
      return (int) library.decode.invokeExact(context, batch.struct(from, count));
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_decode", e);
    }
  }

  /**
   * Logits of the token at an index of what was decoded last; waits for them.
   *
   * @return shape {@code [vocabSize]} f32, valid until the next decode
   */
  MemorySegment logits(int index) throws PeerException {
    MemorySegment found;
    try {
      found = (MemorySegment) library.logits.invokeExact(context, index);
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_get_logits_ith", e);
    }
    if (found.equals(MemorySegment.NULL)) {
      throw new PeerException("llama.cpp has no logits of token " + index + " of the batch");
    }
    return reinterpret(found, 4L * vocabSize);
  }

  @SuppressWarnings("restricted")
  private static MemorySegment reinterpret(MemorySegment segment, long bytes) {
    return segment.reinterpret(bytes);
  }

  /** The most likely token, the first of several. */
  int greedy(int index) throws PeerException {
    MemorySegment values = logits(index);
    int best = 0;
    float most = values.get(JAVA_FLOAT, 0);
    for (int i = 1; i < vocabSize; i++) {
      float value = values.getAtIndex(JAVA_FLOAT, i);
      if (value > most) {
        most = value;
        best = i;
      }
    }
    return best;
  }

  /** Forgets all sequences. */
  void clear() throws PeerException {
    try {
      library.clear.invokeExact(context);
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_kv_self_clear", e);
    }
  }

  /** Keeps only the first tokens of a sequence. */
  void keep(int sequence, int tokens) throws PeerException {
    try {
      boolean done = (boolean) library.remove.invokeExact(context, sequence, tokens, -1);
      if (!done) {
        throw new PeerException("llama.cpp cannot cut sequence " + sequence);
      }
    } catch (PeerException e) {
      throw e;
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_kv_self_seq_rm", e);
    }
  }

  /** Gives other sequences the keys and values of one, in cells of their own. */
  void copyState(int from, int... others) throws PeerException {
    try (Arena arena = Arena.ofConfined()) {
      long bytes = (long) library.stateSize.invokeExact(context, from);
      MemorySegment state = arena.allocate(bytes);
      long got = (long) library.getState.invokeExact(context, state, bytes, from);
      for (int to : others) {
        long read = (long) library.setState.invokeExact(context, state, got, to);
        if (read != got) {
          throw new PeerException("llama.cpp copied " + read + " of " + got + " bytes of a state");
        }
      }
    } catch (PeerException e) {
      throw e;
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_state_seq_set_data", e);
    }
  }

  @Override
  public void close() {
    try {
      library.freeContext.invokeExact(context);
    } catch (Throwable e) {
      throw new IllegalStateException("llama_free failed", e);
    }
    context = MemorySegment.NULL;
  }
}
