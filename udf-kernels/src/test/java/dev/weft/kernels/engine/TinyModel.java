package dev.weft.kernels.engine;

import dev.weft.kernels.model.gguf.GgufWriter;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/**
 * A Llama of two layers with random weights, whose tokens are bytes, so that answers are cut
 * anywhere within characters: token {@code 3 + b} is byte b. With it tests need no other files.
 */
final class TinyModel {
  static final int CONTEXT = 256;
  static final int VOCABULARY = 259;
  static final int BOS = 1;
  static final int EOS = 2;

  /** A token whose embedding is not a number, in one of the two files. */
  static final int POISON = 3 + 0xFF;

  private static final int WIDTH = 32;
  private static final int KV_WIDTH = 16;
  private static final int HIDDEN = 64;

  private TinyModel() {}

  static int[] tokens(String text) {
    int[] tokens = new int[1 + text.length()];
    tokens[0] = BOS;
    for (int i = 0; i < text.length(); i++) {
      tokens[1 + i] = 3 + text.charAt(i);
    }
    return tokens;
  }

  static Path write(Path folder) throws IOException {
    return write(folder, "tiny.gguf", -1);
  }

  /** The same, but the embedding of {@link #POISON} is not a number. */
  static Path writePoisoned(Path folder) throws IOException {
    return write(folder, "poisoned.gguf", POISON);
  }

  private static Path write(Path folder, String name, int poison) throws IOException {
    var random = new Random(1);
    var writer = new GgufWriter();
    writer.put("general.architecture", "llama");
    writer.put("general.name", "tiny");
    writer.put("llama.block_count", 2);
    writer.put("llama.context_length", CONTEXT);
    writer.put("llama.embedding_length", WIDTH);
    writer.put("llama.feed_forward_length", HIDDEN);
    writer.put("llama.attention.head_count", 4);
    writer.put("llama.attention.head_count_kv", 2);
    writer.put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    vocabulary(writer);
    matrix(writer, "token_embd.weight", VOCABULARY, WIDTH, random, poison);
    matrix(writer, "output.weight", VOCABULARY, WIDTH, random, -1);
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "blk." + layer + ".";
      norm(writer, prefix + "attn_norm.weight");
      matrix(writer, prefix + "attn_q.weight", WIDTH, WIDTH, random, -1);
      matrix(writer, prefix + "attn_k.weight", KV_WIDTH, WIDTH, random, -1);
      matrix(writer, prefix + "attn_v.weight", KV_WIDTH, WIDTH, random, -1);
      matrix(writer, prefix + "attn_output.weight", WIDTH, WIDTH, random, -1);
      norm(writer, prefix + "ffn_norm.weight");
      matrix(writer, prefix + "ffn_gate.weight", HIDDEN, WIDTH, random, -1);
      matrix(writer, prefix + "ffn_up.weight", HIDDEN, WIDTH, random, -1);
      matrix(writer, prefix + "ffn_down.weight", WIDTH, HIDDEN, random, -1);
    }
    norm(writer, "output_norm.weight");
    Path path = folder.resolve(name);
    writer.write(path);
    return path;
  }

  private static void vocabulary(GgufWriter writer) {
    var tokens = new String[VOCABULARY];
    var types = new int[VOCABULARY];
    String[] first = {"<unk>", "<s>", "</s>"};
    for (int i = 0; i < 3; i++) {
      tokens[i] = first[i];
      types[i] = i == 0 ? 2 : 3;
    }
    for (int b = 0; b < 256; b++) {
      tokens[3 + b] = "<0x%02X>".formatted(b);
      types[3 + b] = 6;
    }
    writer.put("tokenizer.ggml.model", "llama");
    writer.put("tokenizer.ggml.tokens", tokens);
    writer.put("tokenizer.ggml.token_type", types);
    writer.put("tokenizer.ggml.scores", new float[VOCABULARY]);
    writer.put("tokenizer.ggml.bos_token_id", BOS);
    writer.put("tokenizer.ggml.eos_token_id", EOS);
  }

  private static void norm(GgufWriter writer, String name) {
    float[] ones = new float[WIDTH];
    Arrays.fill(ones, 1);
    writer.vector(name, QuantFormat.F32, ones);
  }

  private static void matrix(
      GgufWriter writer, String name, int rows, int columns, Random random, int poisonedRow) {
    long seed = random.nextLong();
    writer.matrix(
        name,
        QuantFormat.F32,
        rows,
        columns,
        (row, values) -> {
          var ofRow = new Random(seed ^ row * 0x9E3779B97F4A7C15L);
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) ofRow.nextGaussian() * 0.5f;
          }
          if (row == poisonedRow) {
            Arrays.fill(values, Float.NaN);
          }
        });
  }
}
