package dev.weft.benchmarks.recovery;

import dev.weft.kernels.model.gguf.GgufWriter;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/**
 * A llama of two layers with random weights whose tokens are bytes: requests cost next to nothing.
 */
final class TinyModel {
  private static final int WIDTH = 32;
  private static final int KV_WIDTH = 16;
  private static final int HIDDEN = 64;
  private static final int SPECIAL = 3;
  private static final int VOCABULARY = SPECIAL + 256;

  private TinyModel() {}

  static void write(Path file) throws IOException {
    Random random = new Random(1);
    GgufWriter writer = new GgufWriter();
    writer.put("general.architecture", "llama");
    writer.put("general.name", "tiny");
    writer.put("llama.block_count", 2);
    writer.put("llama.context_length", 256);
    writer.put("llama.embedding_length", WIDTH);
    writer.put("llama.feed_forward_length", HIDDEN);
    writer.put("llama.attention.head_count", 4);
    writer.put("llama.attention.head_count_kv", 2);
    writer.put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    vocabulary(writer);
    matrix(writer, "token_embd.weight", VOCABULARY, WIDTH, random);
    matrix(writer, "output.weight", VOCABULARY, WIDTH, random);
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "blk." + layer + ".";
      norm(writer, prefix + "attn_norm.weight");
      matrix(writer, prefix + "attn_q.weight", WIDTH, WIDTH, random);
      matrix(writer, prefix + "attn_k.weight", KV_WIDTH, WIDTH, random);
      matrix(writer, prefix + "attn_v.weight", KV_WIDTH, WIDTH, random);
      matrix(writer, prefix + "attn_output.weight", WIDTH, WIDTH, random);
      norm(writer, prefix + "ffn_norm.weight");
      matrix(writer, prefix + "ffn_gate.weight", HIDDEN, WIDTH, random);
      matrix(writer, prefix + "ffn_up.weight", HIDDEN, WIDTH, random);
      matrix(writer, prefix + "ffn_down.weight", WIDTH, HIDDEN, random);
    }
    norm(writer, "output_norm.weight");
    writer.write(file);
  }

  private static void vocabulary(GgufWriter writer) {
    String[] tokens = new String[VOCABULARY];
    int[] types = new int[VOCABULARY];
    String[] first = {"<unk>", "<s>", "</s>"};
    for (int i = 0; i < SPECIAL; i++) {
      tokens[i] = first[i];
      types[i] = i == 0 ? 2 : 3;
    }
    for (int b = 0; b < 256; b++) {
      tokens[SPECIAL + b] = "<0x%02X>".formatted(b);
      types[SPECIAL + b] = 6;
    }
    writer.put("tokenizer.ggml.model", "llama");
    writer.put("tokenizer.ggml.tokens", tokens);
    writer.put("tokenizer.ggml.token_type", types);
    writer.put("tokenizer.ggml.scores", new float[VOCABULARY]);
    writer.put("tokenizer.ggml.bos_token_id", 1);
    writer.put("tokenizer.ggml.eos_token_id", 2);
  }

  private static void norm(GgufWriter writer, String name) {
    float[] ones = new float[WIDTH];
    Arrays.fill(ones, 1);
    writer.vector(name, QuantFormat.F32, ones);
  }

  private static void matrix(GgufWriter writer, String name, int rows, int columns, Random random) {
    long seed = random.nextLong();
    writer.matrix(
        name,
        QuantFormat.F32,
        rows,
        columns,
        (row, values) -> {
          Random ofRow = new Random(seed ^ row * 0x9E3779B97F4A7C15L);
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) ofRow.nextGaussian() * 0.5f;
          }
        });
  }
}
