package dev.weft.benchmarks.kernel;

import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.model.gguf.GgufWriter;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A llama-shaped model with random weights as a file, for benchmarks of the whole engine. Weft and
 * llama.cpp both read it: it has a SentencePiece vocabulary with a token for every byte.
 * GPULlama3.java wants that of Llama 3.
 */
public final class SyntheticFile {
  private static final int BYTES = 256;
  private static final int SPECIALS = 3;
  private static final int END = 2;

  /** Where the special tokens of Llama 3 begin. */
  private static final int LLAMA3_SPECIALS = 128_000;

  private static final int LLAMA3_END = LLAMA3_SPECIALS + 9;

  private SyntheticFile() {}

  /**
   * Writes a model. Its logit of the end of an answer is zero, the mean of all: no greedy answer
   * ends before its limit.
   *
   * @param format of all matrices
   */
  public static void write(
      Path file, TransformerSpec spec, int contextTokens, QuantFormat format, long seed)
      throws IOException {
    var writer = new GgufWriter();
    writer.put("general.name", "synthetic");
    vocabulary(writer, spec.vocabSize());
    write(writer, file, spec, contextTokens, format, seed, END);
  }

  /**
   * Writes the same in F16 with a vocabulary as that of Llama 3, without merges: each byte of a
   * text is a token.
   *
   * @param spec with more than 128,010 tokens
   */
  public static void writeLlama3(Path file, TransformerSpec spec, int contextTokens, long seed)
      throws IOException {
    var writer = new GgufWriter();
    // GPULlama3.java looks for the family in the name, and wants the number of F16 and the size.
    writer.put("general.name", "synthetic llama");
    writer.put("general.file_type", 1);
    writer.put("llama.vocab_size", spec.vocabSize());
    llama3Vocabulary(writer, spec.vocabSize());
    write(writer, file, spec, contextTokens, QuantFormat.F16, seed, LLAMA3_END);
  }

  private static void write(
      GgufWriter writer,
      Path file,
      TransformerSpec spec,
      int contextTokens,
      QuantFormat format,
      long seed,
      int end)
      throws IOException {
    var random = new SplittableRandom(seed);
    writer.put("general.architecture", "llama");
    writer.put("llama.block_count", spec.layers());
    writer.put("llama.context_length", contextTokens);
    writer.put("llama.embedding_length", spec.embeddingLength());
    writer.put("llama.feed_forward_length", spec.feedForwardLength());
    writer.put("llama.attention.head_count", spec.heads());
    writer.put("llama.attention.head_count_kv", spec.kvHeads());
    writer.put("llama.attention.layer_norm_rms_epsilon", spec.rmsNormEpsilon());
    int width = spec.embeddingLength();
    var matrices = new Matrices(writer, format, random, end);
    matrices.addTokens("token_embd.weight", spec.vocabSize(), width);
    for (int layer = 0; layer < spec.layers(); layer++) {
      String prefix = "blk." + layer + ".";
      norm(writer, prefix + "attn_norm.weight", width);
      matrices.add(prefix + "attn_q.weight", spec.attentionWidth(), width);
      matrices.add(prefix + "attn_k.weight", spec.kvWidth(), width);
      matrices.add(prefix + "attn_v.weight", spec.kvWidth(), width);
      matrices.add(prefix + "attn_output.weight", width, spec.attentionWidth());
      norm(writer, prefix + "ffn_norm.weight", width);
      matrices.add(prefix + "ffn_gate.weight", spec.feedForwardLength(), width);
      matrices.add(prefix + "ffn_up.weight", spec.feedForwardLength(), width);
      matrices.add(prefix + "ffn_down.weight", width, spec.feedForwardLength());
    }
    norm(writer, "output_norm.weight", width);
    if (!spec.tiedOutput()) {
      matrices.addTokens("output.weight", spec.vocabSize(), width);
    }
    writer.write(file);
  }

  /** Bytes, and words that no text contains. */
  private static void vocabulary(GgufWriter writer, int size) {
    var tokens = new String[size];
    var types = new int[size];
    String[] specials = {"<unk>", "<s>", "</s>"};
    for (int i = 0; i < size; i++) {
      if (i < SPECIALS) {
        tokens[i] = specials[i];
        types[i] = i == 0 ? 2 : 3;
      } else if (i < SPECIALS + BYTES) {
        tokens[i] = "<0x%02X>".formatted(i - SPECIALS);
        types[i] = 6;
      } else {
        tokens[i] = "word" + i;
        types[i] = 1;
      }
    }
    writer.put("tokenizer.ggml.model", "llama");
    writer.put("tokenizer.ggml.tokens", tokens);
    writer.put("tokenizer.ggml.token_type", types);
    writer.put("tokenizer.ggml.scores", new float[size]);
    writer.put("tokenizer.ggml.bos_token_id", 1);
    writer.put("tokenizer.ggml.eos_token_id", END);
  }

  /** Bytes in the letters of GPT-2, words that no text contains, and special tokens. */
  private static void llama3Vocabulary(GgufWriter writer, int size) {
    var tokens = new String[size];
    var types = new int[size];
    int others = BYTES;
    for (int i = 0; i < size; i++) {
      boolean special = i >= LLAMA3_SPECIALS;
      tokens[i] = (special ? "<|reserved_special_token_%d|>" : "word%d").formatted(i);
      types[i] = special ? 3 : 1;
    }
    for (int i = 0; i < BYTES; i++) {
      boolean printed = i >= '!' && i <= '~' || i >= 0xA1 && i != 0xAD;
      tokens[i] = String.valueOf((char) (printed ? i : others++));
    }
    tokens[LLAMA3_SPECIALS] = "<|begin_of_text|>";
    tokens[LLAMA3_SPECIALS + 1] = "<|end_of_text|>";
    tokens[LLAMA3_SPECIALS + 6] = "<|start_header_id|>";
    tokens[LLAMA3_SPECIALS + 7] = "<|end_header_id|>";
    tokens[LLAMA3_END] = "<|eot_id|>";
    writer.put("tokenizer.ggml.model", "gpt2");
    writer.put("tokenizer.ggml.pre", "llama-bpe");
    writer.put("tokenizer.ggml.tokens", tokens);
    writer.put("tokenizer.ggml.token_type", types);
    writer.put("tokenizer.ggml.merges", new String[0]);
    writer.put("tokenizer.ggml.bos_token_id", LLAMA3_SPECIALS);
    writer.put("tokenizer.ggml.eos_token_id", LLAMA3_END);
  }

  private static void norm(GgufWriter writer, String name, int width) {
    float[] ones = new float[width];
    Arrays.fill(ones, 1);
    writer.vector(name, QuantFormat.F32, ones);
  }

  private record Matrices(GgufWriter writer, QuantFormat format, SplittableRandom random, int end) {
    void add(String name, int rows, int columns) {
      add(name, rows, columns, -1);
    }

    /** A matrix with a row for each token; that of the end of an answer is zero. */
    void addTokens(String name, int rows, int columns) {
      add(name, rows, columns, end);
    }

    private void add(String name, int rows, int columns, int zeroRow) {
      long seed = random.nextLong();
      float spread = (float) (1 / Math.sqrt(columns));
      writer.matrix(
          name,
          format,
          rows,
          columns,
          (row, values) -> {
            if (row == zeroRow) {
              Arrays.fill(values, 0);
              return;
            }
            var ofRow = new SplittableRandom(seed + row);
            for (int i = 0; i < values.length; i++) {
              values[i] = (ofRow.nextInt(2001) - 1000) * 0.001f * spread;
            }
          });
    }
  }
}
