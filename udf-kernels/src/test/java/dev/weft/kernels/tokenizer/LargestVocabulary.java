package dev.weft.kernels.tokenizer;

import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Writes files of the largest vocabularies that are read, and reads one in a process of its own.
 */
final class LargestVocabulary {
  private static final String P = "tokenizer.ggml.";
  private static final int COUNT = 1 << 19;

  private LargestVocabulary() {}

  /** Reads the file and encodes with it. */
  public static void main(String[] args) throws IOException {
    Tokenizer tokenizer = Model.openTokenizer(Path.of(args[0]));
    if (tokenizer.vocabSize() != COUNT || tokenizer.encode("a b").length == 0) {
      throw new AssertionError(tokenizer);
    }
  }

  /** Every merge is of two symbols that are no tokens, and makes a third. */
  static void writeBytePair(Path file, String preTokenizer) throws IOException {
    var merges = new String[COUNT];
    for (int i = 0; i < COUNT; i++) {
      merges[i] = "l" + Integer.toString(i, 36) + " r" + Integer.toString(i, 36);
    }
    new GgufWriter()
        .put(P + "model", "gpt2")
        .put(P + "pre", preTokenizer)
        .put(P + "tokens", tokens())
        .put(P + "merges", merges)
        .write(file);
  }

  static void writeSentencePiece(Path file) throws IOException {
    new GgufWriter()
        .put(P + "model", "llama")
        .put(P + "tokens", tokens())
        .put(P + "scores", new float[COUNT])
        .write(file);
  }

  private static String[] tokens() {
    var tokens = new String[COUNT];
    for (int i = 0; i < COUNT; i++) {
      tokens[i] = Integer.toString(i, 36);
    }
    return tokens;
  }
}
