package dev.weft.benchmarks.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.weft.benchmarks.measure.PeerException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * Structs of {@code llama.h}, build {@value LlamaLibrary#BUILD} of llama.cpp. The header can change
 * with every build; {@link #check} therefore compares the library's own defaults with what the
 * header promises, field by field, before anything is passed to it.
 */
final class LlamaLayouts {
  /** Number of {@code GGML_TYPE_F32}. */
  static final int F32 = 0;

  /** Number of {@code GGML_TYPE_F16}. */
  static final int F16 = 1;

  static final StructLayout MODEL_PARAMS =
      MemoryLayout.structLayout(
          ADDRESS.withName("devices"),
          JAVA_INT.withName("n_gpu_layers"),
          JAVA_INT.withName("split_mode"),
          JAVA_INT.withName("main_gpu"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("tensor_split"),
          ADDRESS.withName("progress_callback"),
          ADDRESS.withName("progress_callback_user_data"),
          ADDRESS.withName("kv_overrides"),
          JAVA_BYTE.withName("vocab_only"),
          JAVA_BYTE.withName("use_mmap"),
          JAVA_BYTE.withName("use_mlock"),
          JAVA_BYTE.withName("check_tensors"),
          MemoryLayout.paddingLayout(4));

  static final StructLayout CONTEXT_PARAMS =
      MemoryLayout.structLayout(
          JAVA_INT.withName("n_ctx"),
          JAVA_INT.withName("n_batch"),
          JAVA_INT.withName("n_ubatch"),
          JAVA_INT.withName("n_seq_max"),
          JAVA_INT.withName("n_threads"),
          JAVA_INT.withName("n_threads_batch"),
          JAVA_INT.withName("rope_scaling_type"),
          JAVA_INT.withName("pooling_type"),
          JAVA_INT.withName("attention_type"),
          JAVA_FLOAT.withName("rope_freq_base"),
          JAVA_FLOAT.withName("rope_freq_scale"),
          JAVA_FLOAT.withName("yarn_ext_factor"),
          JAVA_FLOAT.withName("yarn_attn_factor"),
          JAVA_FLOAT.withName("yarn_beta_fast"),
          JAVA_FLOAT.withName("yarn_beta_slow"),
          JAVA_INT.withName("yarn_orig_ctx"),
          JAVA_FLOAT.withName("defrag_thold"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("cb_eval"),
          ADDRESS.withName("cb_eval_user_data"),
          JAVA_INT.withName("type_k"),
          JAVA_INT.withName("type_v"),
          JAVA_BYTE.withName("logits_all"),
          JAVA_BYTE.withName("embeddings"),
          JAVA_BYTE.withName("offload_kqv"),
          JAVA_BYTE.withName("flash_attn"),
          JAVA_BYTE.withName("no_perf"),
          MemoryLayout.paddingLayout(3),
          ADDRESS.withName("abort_callback"),
          ADDRESS.withName("abort_callback_data"));

  static final StructLayout BATCH =
      MemoryLayout.structLayout(
          JAVA_INT.withName("n_tokens"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("token"),
          ADDRESS.withName("embd"),
          ADDRESS.withName("pos"),
          ADDRESS.withName("n_seq_id"),
          ADDRESS.withName("seq_id"),
          ADDRESS.withName("logits"));

  private LlamaLayouts() {}

  /** Offset of a field, in bytes. */
  static long offset(StructLayout layout, String field) {
    return layout.byteOffset(PathElement.groupElement(field));
  }

  /**
   * Compares defaults that differ from each other and from zero, so that a shifted field is seen.
   *
   * @throws PeerException naming the first field that is not where it should be
   */
  static void check(MemorySegment model, MemorySegment context) throws PeerException {
    expect(MODEL_PARAMS, model, "split_mode", 1);
    expect(MODEL_PARAMS, model, "main_gpu", 0);
    expectByte(MODEL_PARAMS, model, "vocab_only", 0);
    expectByte(MODEL_PARAMS, model, "use_mmap", 1);
    expectByte(MODEL_PARAMS, model, "use_mlock", 0);
    expect(CONTEXT_PARAMS, context, "n_ctx", 512);
    expect(CONTEXT_PARAMS, context, "n_batch", 2048);
    expect(CONTEXT_PARAMS, context, "n_ubatch", 512);
    expect(CONTEXT_PARAMS, context, "n_seq_max", 1);
    expect(CONTEXT_PARAMS, context, "n_threads", 4);
    expect(CONTEXT_PARAMS, context, "n_threads_batch", 4);
    expect(CONTEXT_PARAMS, context, "attention_type", -1);
    expect(CONTEXT_PARAMS, context, "yarn_beta_fast", Float.floatToRawIntBits(32));
    expect(CONTEXT_PARAMS, context, "defrag_thold", Float.floatToRawIntBits(-1));
    expect(CONTEXT_PARAMS, context, "type_k", F16);
    expect(CONTEXT_PARAMS, context, "type_v", F16);
    expectByte(CONTEXT_PARAMS, context, "logits_all", 0);
    expectByte(CONTEXT_PARAMS, context, "offload_kqv", 1);
    expectByte(CONTEXT_PARAMS, context, "flash_attn", 0);
    expectByte(CONTEXT_PARAMS, context, "no_perf", 1);
  }

  private static void expect(StructLayout layout, MemorySegment data, String field, int value)
      throws PeerException {
    require(field, data.get(JAVA_INT, offset(layout, field)), value);
  }

  private static void expectByte(StructLayout layout, MemorySegment data, String field, int value)
      throws PeerException {
    require(field, data.get(JAVA_BYTE, offset(layout, field)), value);
  }

  private static void require(String field, int found, int value) throws PeerException {
    if (found != value) {
      throw new PeerException(
          "llama.cpp has "
              + found
              + " as the default of "
              + field
              + " where "
              + value
              + " was expected: its structs are not those of build "
              + LlamaLibrary.BUILD);
    }
  }
}
