package dev.weft.kernels.model;

import dev.weft.kernels.model.gguf.GgufWriter;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A Llama of two layers with 4 heads of 8, two key-value heads, and a byte vocabulary, whose
 * metadata can be changed before it is written.
 */
final class SyntheticModels {
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private float norm = 1;
  private int headDim = 8;
  private float[] ropeDivisors = {};

  static SyntheticModels tiny() {
    return new SyntheticModels();
  }

  private SyntheticModels() {
    with("general.architecture", "llama");
    with("llama.block_count", 2);
    with("llama.context_length", 128);
    with("llama.embedding_length", 32);
    with("llama.feed_forward_length", 64);
    with("llama.attention.head_count", 4);
    with("llama.attention.head_count_kv", 2);
    with("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    with("tokenizer.ggml.model", "llama");
    var tokens = new String[263];
    var types = new int[tokens.length];
    Arrays.fill(types, 1);
    String[] first = {"<unk>", "<s>", "</s>"};
    for (int i = 0; i < 3; i++) {
      tokens[i] = first[i];
      types[i] = 3;
    }
    for (int b = 0; b < 256; b++) {
      tokens[3 + b] = "<0x%02X>".formatted(b);
      types[3 + b] = 6;
    }
    String[] pieces = {"a", "b", "ab", "\u2581ab"};
    System.arraycopy(pieces, 0, tokens, 259, 4);
    with("tokenizer.ggml.tokens", tokens);
    with("tokenizer.ggml.token_type", types);
    with("tokenizer.ggml.scores", new float[tokens.length]);
  }

  SyntheticModels with(String key, Object value) {
    metadata.put(key, value);
    return this;
  }

  SyntheticModels without(String key) {
    metadata.remove(key);
    return this;
  }

  SyntheticModels withNorm(float value) {
    norm = value;
    return this;
  }

  SyntheticModels headDim(int value) {
    headDim = value;
    return this;
  }

  SyntheticModels ropeDivisors(float... values) {
    ropeDivisors = values;
    return this;
  }

  GgufWriter writer() {
    var writer = new GgufWriter();
    metadata.forEach(
        (key, value) -> {
          switch (value) {
            case String s -> writer.put(key, s);
            case Integer i -> writer.put(key, i);
            case Float f -> writer.put(key, f);
            case Boolean b -> writer.put(key, b);
            case String[] s -> writer.put(key, s);
            case int[] i -> writer.put(key, i);
            case float[] f -> writer.put(key, f);
            default -> throw new IllegalArgumentException(key);
          }
        });
    var norms = new float[32];
    Arrays.fill(norms, norm);
    if (ropeDivisors.length > 0) {
      writer.vector("rope_freqs.weight", QuantFormat.F32, ropeDivisors);
    }
    matrix(writer, "token_embd.weight", 263, 32);
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "blk." + layer + ".";
      writer.vector(prefix + "attn_norm.weight", QuantFormat.F32, norms);
      matrix(writer, prefix + "attn_q.weight", 4 * headDim, 32);
      matrix(writer, prefix + "attn_k.weight", 2 * headDim, 32);
      matrix(writer, prefix + "attn_v.weight", 2 * headDim, 32);
      matrix(writer, prefix + "attn_output.weight", 32, 4 * headDim);
      writer.vector(prefix + "ffn_norm.weight", QuantFormat.F32, norms);
      matrix(writer, prefix + "ffn_gate.weight", 64, 32);
      matrix(writer, prefix + "ffn_up.weight", 64, 32);
      matrix(writer, prefix + "ffn_down.weight", 32, 64);
    }
    return writer.vector("output_norm.weight", QuantFormat.F32, norms);
  }

  private static void matrix(GgufWriter writer, String name, int rows, int columns) {
    writer.matrix(
        name,
        QuantFormat.Q8_0,
        rows,
        columns,
        (row, values) -> {
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(row * 31 + i);
          }
        });
  }

  Path write(Path folder) throws IOException {
    Path path = Files.createTempFile(folder, "model", ".gguf");
    writer().write(path);
    return path;
  }
}
