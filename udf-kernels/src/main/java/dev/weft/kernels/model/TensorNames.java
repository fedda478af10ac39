package dev.weft.kernels.model;

/**
 * How a kind of model file names its tensors, {@code .weight} and {@code .bias} left out. Names
 * from {@code attentionNorm} on stand behind those of their layer; {@code %d} is a number.
 *
 * @param qkv query, key and value stored as one
 * @param gateUp gate and up stored as one
 * @param expertCubes whether the gates of all experts (ups, downs) may be one tensor {@code
 *     [experts, rows, columns]} of the name with {@code _exps}
 */
record TensorNames(
    String embedding,
    String outputNorm,
    String output,
    String layer,
    String attentionNorm,
    String query,
    String key,
    String value,
    String qkv,
    String queryNorm,
    String keyNorm,
    String attentionOutput,
    String feedForwardNorm,
    String gate,
    String up,
    String down,
    String gateUp,
    String router,
    String expertGate,
    String expertUp,
    String expertDown,
    boolean expertCubes) {

  /** {@code gguf-py/gguf/constants.py} of llama.cpp. */
  static final TensorNames GGUF =
      new TensorNames(
          "token_embd",
          "output_norm",
          "output",
          "blk.%d.",
          "attn_norm",
          "attn_q",
          "attn_k",
          "attn_v",
          "attn_qkv",
          "attn_q_norm",
          "attn_k_norm",
          "attn_output",
          "ffn_norm",
          "ffn_gate",
          "ffn_up",
          "ffn_down",
          "ffn_up",
          "ffn_gate_inp",
          "ffn_gate.%d",
          "ffn_up.%d",
          "ffn_down.%d",
          true);

  /** The modules of transformers, as they are saved. */
  static final TensorNames HUGGING_FACE =
      new TensorNames(
          "model.embed_tokens",
          "model.norm",
          "lm_head",
          "model.layers.%d.",
          "input_layernorm",
          "self_attn.q_proj",
          "self_attn.k_proj",
          "self_attn.v_proj",
          "self_attn.qkv_proj",
          "self_attn.q_norm",
          "self_attn.k_norm",
          "self_attn.o_proj",
          "post_attention_layernorm",
          "mlp.gate_proj",
          "mlp.up_proj",
          "mlp.down_proj",
          "mlp.gate_up_proj",
          "block_sparse_moe.gate",
          "block_sparse_moe.experts.%d.w1",
          "block_sparse_moe.experts.%d.w3",
          "block_sparse_moe.experts.%d.w2",
          false);
}
